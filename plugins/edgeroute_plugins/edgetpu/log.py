"""What edgetpu_compiler prints, as values: the grammar was read from public logs of versions 2 to 16."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeroute.types import Finding, Severity

VERSION = re.compile(r"^Edge TPU Compiler version (\S+)", re.MULTILINE)
SUCCESS = re.compile(r"^Model compiled successfully in (\d+) ms", re.MULTILINE)
SIZE = re.compile(
    r"^(Input size|Output size|On-chip memory used for caching model parameters|On-chip memory remaining for caching model parameters"
    r"|Off-chip memory used for streaming uncached model parameters): ([\d.]+)(B|KiB|MiB)",
    re.MULTILINE,
)
COUNT = re.compile(
    r"^(Number of Edge TPU subgraphs|Total number of operations|Number of operations that will run on Edge TPU"
    r"|Number of operations that will run on CPU): (\d+)",
    re.MULTILINE,
)
ROW = re.compile(r"^([A-Z][A-Z0-9_]*)\s+(\d+)\s+(\S.*?)\s*$", re.MULTILINE)
STUCK = re.compile(r"^Internal compiler error\. Aborting!|Compilation failed due to large activation tensors", re.MULTILINE)
"""Failures from which the delegate search was seen to find a way out."""

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
SIZES = {
    "Input size": "input",
    "Output size": "output",
    "On-chip memory used for caching model parameters": "cached",
    "On-chip memory remaining for caching model parameters": "cache_free",
    "Off-chip memory used for streaming uncached model parameters": "streamed",
}
COUNTS = {
    "Number of Edge TPU subgraphs": "subgraphs",
    "Total number of operations": "operators",
    "Number of operations that will run on Edge TPU": "on_tpu",
    "Number of operations that will run on CPU": "on_cpu",
}
MAPPED = "Mapped to Edge TPU"
REMEDIES = {
    "More than one subgraph is not supported": "it would map, but stands behind an operator that does not: replace that one, or move it to the end",
    "Operation is otherwise supported, but not mapped due to some unspecified limitation": "make its tensors smaller, or avoid it in front of other operators",
    "Operation not supported": "replace it with an operator of the Edge TPU's table (rule A7-005), or move it behind everything else",
    "Operation version not supported": "take another converter or quantizer that writes an older version (--avoid NAME)",
    "Operation is working on an unsupported data type": "quantize it too: something around it stayed in float or int32",
}


@dataclass(frozen=True)
class Row:
    """How many operators of a name have one status."""

    operator: str
    count: int
    status: str

    @property
    def mapped(self) -> bool:
        """A status that is not known counts as the CPU."""
        return self.status.startswith(MAPPED)


@dataclass(frozen=True)
class Log:
    """One compilation as the compiler tells it."""

    version: str
    milliseconds: int | None
    """None where it does not say that it succeeded."""
    bytes: Mapping[str, int]
    """input, output, cached, cache_free, streamed."""
    counts: Mapping[str, int]
    """subgraphs, operators, on_tpu, on_cpu: what it says; the rows are more reliable."""
    rows: tuple[Row, ...]
    stuck: bool
    """It failed in a way from which the search for an earlier end may find out."""

    @property
    def on_cpu(self) -> int:
        return sum(row.count for row in self.rows if not row.mapped)


def parse(text: str) -> Log:
    """Read stdout (and the operation log) of a run, whole or in part."""
    version, success = VERSION.search(text), SUCCESS.search(text)
    return Log(
        version=version[1] if version else "",
        milliseconds=int(success[1]) if success else None,
        bytes={SIZES[name]: round(float(number) * UNITS[unit]) for name, number, unit in SIZE.findall(text)},
        counts={COUNTS[name]: int(number) for name, number in COUNT.findall(text)},
        rows=tuple(dict.fromkeys(Row(name, int(count), status) for name, count, status in ROW.findall(text))),
        stuck=success is None and bool(STUCK.search(text)),
    )


def findings(log: Log) -> tuple[Finding, ...]:
    """One finding for every operator and status that leaves the Edge TPU."""
    return tuple(_left(row, log.rows) for row in log.rows if not row.mapped)


def _left(row: Row, rows: Iterable[Row]) -> Finding:
    total = sum(r.count for r in rows) or 1
    remedy = next((text for status, text in REMEDIES.items() if row.status.startswith(status)), "read the compiler's log of this step")
    return Finding(
        "edgetpu-left-on-cpu",
        Severity.WARNING,
        f"{row.count} {row.operator} stay{'s' if row.count == 1 else ''} on the CPU: {row.status}",
        remedy,
        where=row.operator,
        cost=row.count / total,
    )
