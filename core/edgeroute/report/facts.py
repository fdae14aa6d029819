"""Reading a result's JSON: the small questions that several sections ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from edgeroute.report import words
from edgeroute.report.blocks import BAD, GOOD, MUTED, WARN, Cell
from edgeroute.types import Json, to_json

TONES: Mapping[str, str] = {
    "passed": GOOD, "succeeded": GOOD, "ready": GOOD, "ok": GOOD, "built": GOOD, "caller": GOOD, "accelerator": GOOD,
    "degraded": WARN, "warning": WARN, "handed-over": WARN, "cpu": WARN, "missing": WARN, "to-build": WARN,
    "failed": BAD, "error": BAD, "refused": BAD, "broken": BAD, "no-python": BAD, "offline": BAD, "tool-missing": BAD, "unreachable": BAD,
    "unmeasured": MUTED, "skipped": MUTED, "tip": MUTED,
}  # fmt: skip
SEVERITIES = ("error", "warning", "tip")


def as_json(value: object) -> Json:
    """A noun or its JSON → its JSON."""
    return to_json(value)


def rows(value: Json) -> list[Mapping[str, Json]]:
    """The objects in a list that may be missing or hold something else."""
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, (list, tuple)) else []


def mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def file_name(path: Json) -> str:
    return words.clean(PurePath(str(path)).name or str(path))


def badge(word: Json) -> Cell:
    text = words.clean(word or "unmeasured")
    return Cell(text, TONES.get(text, ""), badge=True)


def worst_sqnr(outputs: Sequence[Mapping[str, Json]]) -> float | None:
    """The smallest SQNR in dB; None when nothing was measured or every output is exact."""
    measured = [float(o["sqnr_db"]) for o in outputs if words.is_number(o.get("sqnr_db"))]
    return min(measured, default=None)


def worst_difference(outputs: Sequence[Mapping[str, Json]]) -> float | None:
    measured = [float(o["max_abs"]) for o in outputs if words.is_number(o.get("max_abs"))]
    return max(measured, default=None)


def is_exact(output: Mapping[str, Json]) -> bool:
    """No difference at all: then the ratio is infinite, or the most that was agreed upon."""
    return output.get("max_abs") == 0


def sqnr_text(outputs: Sequence[Mapping[str, Json]]) -> str:
    if outputs and all(is_exact(o) for o in outputs):
        return "exact"
    return words.decibels(worst_sqnr(outputs))


def noise(sqnr_db: float | None) -> float:
    """Noise over signal, as power."""
    return 0.0 if sqnr_db is None else float(10 ** (-sqnr_db / 10))


def loss_shares(steps: Sequence[Mapping[str, Json]]) -> list[float | None]:
    """For every step, which share of the final noise it added; None where nothing was measured."""
    levels = [_level(step) for step in steps]
    final = next((level for level in reversed(levels) if level is not None), 0.0)
    answer: list[float | None] = []
    before = 0.0
    for level in levels:
        if level is None or final <= 0:
            answer.append(None)
            continue
        answer.append(min(1.0, max(0.0, level - before) / final))
        before = max(before, level)
    return answer


def _level(step: Mapping[str, Json]) -> float | None:
    outputs = rows(mapping(step.get("verification")).get("outputs"))
    if outputs and all(is_exact(o) for o in outputs):
        return 0.0
    return noise(worst_sqnr(outputs)) if outputs else None


def by_weight(findings: Iterable[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    """Errors before warnings before tips, the dearest first, each once."""
    seen: dict[tuple[str, ...], Mapping[str, Json]] = {}
    for finding in findings:
        seen.setdefault(tuple(str(finding.get(k, "")) for k in ("code", "severity", "message", "where")), finding)
    return sorted(seen.values(), key=lambda f: (_rank(f), -float(f.get("cost") or 0), str(f.get("code", ""))))


def _rank(finding: Mapping[str, Json]) -> int:
    severity = str(finding.get("severity", ""))
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def all_findings(result: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """A result's findings and its validation's, in order of weight."""
    return by_weight([*rows(result.get("findings")), *rows(mapping(result.get("validation")).get("findings"))])


def tally(findings: Sequence[Mapping[str, Json]]) -> str:
    """`1 error, 2 warnings, 1 tip`."""
    counts = [(severity, sum(f.get("severity") == severity for f in findings)) for severity in SEVERITIES]
    return ", ".join(words.plural(many, severity) for severity, many in counts if many) or "none"


def operators(validation: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Operators in running order: index, name, runs (accelerator, cpu, refused), macs, why, after (indexes of those before)."""
    return [_operator(i, o) for i, o in enumerate(rows(mapping(validation.get("placement")).get("operators")))]


def _operator(position: int, operator: Mapping[str, Json]) -> dict[str, Json]:
    reasons = operator.get("reasons") or []
    told = [f"{r['what']} ({r['code']})" if r.get("code") else str(r.get("what", "")) for r in rows(reasons)] or [str(r) for r in reasons]
    return {
        "index": operator.get("index", position),
        "name": operator.get("name", ""),
        "runs": operator.get("runs") or operator.get("place") or "unknown",
        "macs": operator.get("macs") if words.is_number(operator.get("macs")) else 0,
        "why": operator.get("why") or "; ".join(told),
        "after": [i for i in operator.get("after") or [] if isinstance(i, int)],
    }


def on_accelerator(validation: Mapping[str, Json]) -> tuple[float, str] | None:
    """The share (0..1) that the accelerator runs, and of what: MACs, or operators where MACs are unknown."""
    placement, known = mapping(validation.get("placement")), operators(validation)
    if words.is_number(placement.get("share")):
        return float(placement["share"]), "MACs"
    if not known or "share" in placement:
        return None
    macs = {index: float(o.get("macs") or 0) for index, o in enumerate(known)}
    unit = "MACs" if sum(macs.values()) > 0 else "operators"
    weight = macs if unit == "MACs" else dict.fromkeys(macs, 1.0)
    there = sum(w for index, w in weight.items() if known[index].get("runs") == "accelerator")
    return there / sum(weight.values()), unit


def has_device(validation: Mapping[str, Json]) -> bool:
    """Whether the device has an accelerator that takes any operator at all."""
    return any(o.get("runs") == "accelerator" for o in operators(validation))
