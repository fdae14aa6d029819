"""Reads what edgetpu_compiler put into an `edgetpu-custom-op`, offline and bounds-checked.

The operator's custom options hold a FlexBuffer map, and in it a flatbuffer with the identifier `DWN1` (libedgetpu's
executable/executable.fbs: Package → MultiExecutable → Executable). The package is found by that identifier, since the map's
own layout differs between compiler releases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeroute_plugins.tflite.flatbuffer import Damaged, Table, Walker
from edgeroute_plugins.tflite.reader import Operator

IDENTIFIER = b"DWN1"
KINDS = {0: "stand-alone", 1: "parameter-caching", 2: "execution-only"}
MOST_EXECUTABLES = 1024


@dataclass(frozen=True)
class Executable:
    """One program for the chip."""

    name: str
    kind: str
    """stand-alone, parameter-caching or execution-only."""
    parameter_bytes: int
    scratch_bytes: int
    batch: int
    chip: str
    cycles: int
    """The compiler's estimate; 0 where it made none."""


@dataclass(frozen=True)
class Package:
    """What the compiler says of its work."""

    min_runtime: int
    compiler: str
    model: str
    virtual_chip: int
    """0 for one chip, -1 for several."""
    executables: tuple[Executable, ...]

    @property
    def cached_bytes(self) -> int:
        """Parameters that stay on the chip between inferences."""
        return sum(e.parameter_bytes for e in self.executables if e.kind == "parameter-caching")

    @property
    def streamed_bytes(self) -> int:
        """Parameters that travel to the chip at every inference."""
        return sum(e.parameter_bytes for e in self.executables if e.kind != "parameter-caching")


class Unreadable(ValueError):
    """The custom options hold no package, or a damaged one."""


def read_package(options: bytes) -> Package:
    """The package in an operator's custom options; Unreadable where there is none or it is damaged."""
    start = options.find(IDENTIFIER) - 4
    if start < 0:
        raise Unreadable("its options hold no DWN1 package")
    try:
        walker = Walker(memoryview(options)[start:])
        return _package(walker.root())
    except Damaged as error:
        raise Unreadable(f"its package is damaged: {error}") from error


def packages(operators: tuple[Operator, ...]) -> tuple[Package | str, ...]:
    """Per operator its package, or the reason why that cannot be read."""
    found: list[Package | str] = []
    for operator in operators:
        try:
            found.append(read_package(operator.custom_options))
        except Unreadable as error:
            found.append(str(error))
    return tuple(found)


def _package(table: Table) -> Package:
    multi = Walker(table.raw(1)).root()
    return Package(
        min_runtime=table.integer(0),
        compiler=table.text(4),
        model=table.text(7),
        virtual_chip=table.integer(5),
        executables=tuple(_executable(Walker(raw).root()) for raw in _strings(multi, 0)),
    )


def _executable(table: Table) -> Executable:
    kind = table.integer(13, "int16")
    return Executable(
        name=table.text(1),
        kind=KINDS.get(kind, f"kind-{kind}"),
        parameter_bytes=len(table.raw(6)),
        scratch_bytes=table.integer(4),
        batch=table.integer(3),
        chip=table.text(10),
        cycles=table.integer(16, "int64"),
    )


def _strings(table: Table, slot: int) -> Iterator[memoryview]:
    """The items of a vector of strings, as bytes."""
    start = table.pointer(slot)
    if not start:
        return
    count = table.walker.integer(start)
    if count > MOST_EXECUTABLES:
        raise Damaged(f"{count} executables")
    for place in range(start + 4, start + 4 + 4 * count, 4):
        text = place + table.walker.integer(place)
        yield table.walker.span(text + 4, table.walker.integer(text))
