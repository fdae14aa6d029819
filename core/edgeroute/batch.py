"""Several models for several devices in one go: every conversion stands alone, and steps that two of them share run once.

Sharing needs no bookkeeping here: a step's result is kept by everything that decides it, so the second conversion finds it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeroute.errors import HANDED_OVER, PARTIAL, EdgerouteError, UsageError
from edgeroute.runner.convert import convert
from edgeroute.runner.deliver import destination
from edgeroute.runner.request import Request, check_options
from edgeroute.types import ConversionResult, Json, to_json
from edgeroute.workshop import Workshop


@dataclass(frozen=True)
class Item:
    """One conversion of a batch."""

    source: Path
    target: str
    request: Request


@dataclass(frozen=True)
class Ended:
    """How one conversion ended: with a result, or with the error that it raised."""

    item: Item
    result: ConversionResult | None
    error: EdgerouteError | None
    seconds: float

    @property
    def status(self) -> str:
        return self.result.status if self.result is not None else "failed"


@dataclass(frozen=True)
class Batch:
    """All of them, in the order in which they were asked for."""

    items: tuple[Ended, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Ended, ...]:
        return tuple(i for i in self.items if i.result is None)

    @property
    def status(self) -> str:
        """succeeded, handed-over (the rest of some is left to a colleague), partial or failed."""
        if not self.failed:
            return "handed-over" if any(i.status == "handed-over" for i in self.items) else "succeeded"
        return "failed" if len(self.failed) == len(self.items) else "partial"

    @property
    def exit_code(self) -> int:
        """0 when all succeeded, 12 when some wait for a colleague, 13 when some failed, and if all did, the code of the first error."""
        codes = {"succeeded": 0, "handed-over": HANDED_OVER, "partial": PARTIAL}
        first = next((i.error for i in self.items if i.error is not None), None)
        return codes.get(self.status, first.exit_code if first is not None else 1)

    def as_json(self) -> Json:
        """What `convert --json` prints for more than one conversion."""
        return {
            "status": self.status,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 3),
            "items": [_json(i) for i in self.items],
        }


def run_all(workshop: Workshop, items: Sequence[Item], told: Callable[[Ended], None] = lambda ended: None) -> Batch:
    """Convert them one after the other; one that fails costs only itself. `told` hears of each as it ends.

    Raises UsageError before any work where a target or an option does not exist, or two results would have one place.
    """
    must_be_possible(workshop, items)
    started = time.monotonic()
    ended: list[Ended] = []
    for item in items:
        ended.append(_run(workshop, item))
        told(ended[-1])
    return Batch(tuple(ended), time.monotonic() - started)


def must_be_possible(workshop: Workshop, items: Sequence[Item]) -> None:
    """Raise UsageError for what would fail in every case, whatever the files hold."""
    places: dict[Path, Item] = {}
    for item in items:
        workshop.catalog.target(item.target)
        check_options(workshop.catalog, item.request.options)
        place = destination(item.source, item.target, "", item.request.out).absolute()
        other = places.setdefault(place, item)
        if other is not item:
            raise UsageError(
                f"{other.source} for {other.target} and {item.source} for {item.target} would both become {place.name}",
                where=str(place),
                remedy="name each file and each target once, and convert files of one name in calls of their own, each with its own --out",
                code="batch-collision",
            )


def _run(workshop: Workshop, item: Item) -> Ended:
    started = time.monotonic()
    result: ConversionResult | None = None
    error: EdgerouteError | None = None
    try:
        result = convert(workshop, item.source, item.target, item.request)
    except EdgerouteError as raised:
        error = raised
    return Ended(item, result, error, time.monotonic() - started)


def _json(ended: Ended) -> Json:
    return {
        "source": str(ended.item.source),
        "target": ended.item.target,
        "status": ended.status,
        "seconds": round(ended.seconds, 3),
        "result": to_json(ended.result),
        "error": ended.error.as_json() if ended.error is not None else None,
    }
