"""What is printed of several conversions: one row for each."""

from __future__ import annotations

import contextlib
from pathlib import Path

from edgeroute.batch import Batch, Ended
from edgeroute.report import words
from edgeroute.report.facts import rows, sqnr_text
from edgeroute.types import ConversionResult, Json


def batch_rows(batch: Batch) -> list[tuple[str, ...]]:
    """The summary: model, target, status, steps (and how many of them were there already), fidelity, time, and the file or the reason."""
    return [_row(i) for i in batch.items]


HEADS = ("model", "target", "status", "steps", "SQNR", "time", "file, or why not")


def _row(ended: Ended) -> tuple[str, ...]:
    head = (ended.item.source.name, ended.item.target, ended.status)
    if ended.result is None:
        return (
            *head,
            words.NOTHING,
            words.NOTHING,
            f"{ended.seconds:.1f} s",
            f"{ended.error.message} [{ended.error.code}]" if ended.error else "",
        )
    steps = ended.result.steps
    kept = sum(s.cached for s in steps)
    shared = f" ({kept} kept)" if kept else ""
    place = ended.result.artifact.path if ended.result.artifact is not None else Path(str(_bundle(ended.result)))
    return (*head, f"{len(steps)}{shared}", _sqnr(ended.result), f"{ended.seconds:.1f} s", _short(place))


def _bundle(result: ConversionResult) -> Json:
    return dict(result.details.get("handover") or {}).get("bundle", "")


def _sqnr(result: ConversionResult) -> str:
    return sqnr_text(rows(dict(result.fidelity).get("outputs")))


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)
