"""The devices' rules and operator tables as Markdown: `python -m edgeroute_plugins.devices.tabulate > docs/reference/devices.md`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from edgeroute.rules import Rule, load, rules_of
from edgeroute.types import Severity, Target
from edgeroute_plugins.devices.tables import table
from edgeroute_plugins.devices.targets import RULES, TARGETS

HEAD = """# Devices and their rules

This page is generated from the rules' own data. Regenerate it with
`python -m edgeroute_plugins.devices.tabulate > docs/reference/devices.md`.
`edgeroute explain CODE` prints one rule with its reason and the way out.

Certainty: *documented* by the vendor or read in the vendor's source, *observed* in a real file, log or report, *inferred*, *unverified*.
"""


def markdown() -> str:
    """The whole page."""
    parts = [HEAD, _targets(), _counts(), *_rules(), _edge_tpu(), _artpec8(), _artpec9()]
    return "\n".join(parts)


def _grid(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _targets() -> str:
    rows = [(f"`{t.name}`", t.title, ", ".join(f"`{d}`" for d in t.devices), ", ".join(t.accepts), t.details["arch"]) for t in TARGETS]
    return "## Devices\n\n" + _grid(("target", "what it is", "larod devices", "loads, in order of preference", "SDK image"), rows)


def _counts() -> str:
    """Target × rules by severity and certainty × number of sources."""
    head = ("target", "errors", "warnings", "tips", "seen in files", "documented", "observed", "inferred", "unverified", "sources")
    return "## Rules per device\n\n" + _grid(head, (_count(t) for t in TARGETS))


def _count(target: Target) -> tuple[object, ...]:
    rules = rules_of(target)
    weights = Counter(r.weight(target.name) for r in rules)
    sure = Counter(r.certainty for r in rules)
    sources = {s for r in rules for s in r.source}
    kinds = tuple(weights[s] for s in Severity)
    certainties = tuple(sure[c] for c in ("documented", "observed", "inferred", "unverified"))
    return (f"`{target.name}`", *kinds, sum(r.in_files for r in rules), *certainties, len(sources))


def _rules() -> Iterator[str]:
    yield "## Rules\n"
    families = {"TFL": "All TFLite devices", "A7": "ARTPEC-7", "A8": "ARTPEC-8", "A9": "ARTPEC-9", "CV": "CV25 and CV75", "CPU": "CPU"}
    known = load(RULES)
    for prefix, title in families.items():
        rows = [_row(r) for r in known if r.code.split("-")[0] == prefix]
        yield f"### {title}\n\n" + _grid(("code", "severity", "violated when", "certainty", "source"), rows)


def _row(rule: Rule) -> tuple[str, ...]:
    severity = rule.severity.value + "".join(f" ({s.value} on {t})" for t, s in rule.severity_for.items())
    condition = rule.condition + (f" *Not seen in files: {rule.reason}*" if rule.reason else "")
    certainty = rule.certainty + (f"; {rule.certainty_note}" if rule.certainty_note else "")
    return f"`{rule.code}`", severity, condition, certainty, " · ".join(f"<{s}>" if s.startswith("https") else s for s in rule.source)


def _edge_tpu() -> str:
    rows = [
        (
            f"`{name}`",
            e["status"],
            ", ".join(e.get("limits", ())),
            e.get("runtime", ""),
            e["certainty"],
            e.get("note", e.get("instead", "")),
        )
        for name, e in table("artpec7")["operators"].items()
    ]
    return "## Operators of ARTPEC-7's Edge TPU\n\n" + _grid(("operator", "where", "limits", "from runtime", "certainty", "note"), rows)


def _artpec8() -> str:
    rows = [(status, e["certainty"], ", ".join(f"`{o}`" for o in e["operators"])) for status, e in table("artpec8")["status"].items()]
    return "## Operators of ARTPEC-8's DLPU\n\n" + _grid(("status", "certainty", "operators"), rows)


def _artpec9() -> str:
    rows = [(f"`{name}`", e["axis"], e["clauses"], e["certainty"]) for name, e in table("artpec9")["operators"].items()]
    text = "I, W and O are the scales of input, weights and output. All operators: batch 1, rank 4 at most, int8 or uint8.\n\n"
    return "## Operators of ARTPEC-9's DLPU\n\n" + text + _grid(("operator", "Axis' name", "supported when", "certainty"), rows)


if __name__ == "__main__":
    print(markdown(), end="")
