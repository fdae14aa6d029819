"""The rules of devices, as data: whatever plugin brings a target brings its rules along, and `explain` works for all.

`Target.rules` is `package:path`, where path is a TOML file of that package or a folder of them. Every `[[rule]]` table has
`code`, `severity` (error, warning, tip), `scope` (target names), `title`, `condition`, `why`, `source` (a list: addresses or
documents), `certainty` (documented, observed, inferred, unverified), `remedy` and `phase` (before-compile, after-compile, device, convert).
Optional: `severity_for` (target → severity), `certainty_note`, and `reason`, which says why a device or convert rule cannot be seen in a file.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib.resources
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib.resources.abc import Traversable
from typing import Any

from edgeroute.errors import PluginError, UsageError
from edgeroute.types import Finding, Json, Severity, Target, to_json

PHASES = ("before-compile", "after-compile", "device", "convert")
CERTAINTIES = ("documented", "observed", "inferred", "unverified")


@dataclass(frozen=True)
class Rule:
    """One rule of a device: what is violated when, why, where that is written, and the way out."""

    code: str
    severity: Severity
    scope: tuple[str, ...]
    title: str
    condition: str
    why: str
    source: tuple[str, ...]
    certainty: str
    remedy: str
    phase: tuple[str, ...]
    severity_for: Mapping[str, Severity] = field(default_factory=dict)
    """Target → its own severity, where it differs."""
    certainty_note: str = ""
    reason: str = ""
    """Why no file can show it (phases device and convert)."""

    @property
    def in_files(self) -> bool:
        """Whether a file can break it, before or after compilation."""
        return bool({"before-compile", "after-compile"} & set(self.phase))

    def weight(self, target: str) -> Severity:
        """Its severity for one target."""
        return self.severity_for.get(target, self.severity)


def rules_of(target: Target) -> tuple[Rule, ...]:
    """The rules whose scope names this target, in the order of their files."""
    return tuple(rule for rule in load(target.rules) if target.name in rule.scope) if target.rules else ()


def finding(rule: Rule, target: Target, message: str = "", where: str = "", cost: float = 0.0) -> Finding:
    """A breach of a rule: what was seen, where; severity and remedy are the rule's own."""
    text = f"{rule.title}: {message}" if message else rule.title
    return Finding(rule.code, rule.weight(target.name), text, rule.remedy, where, cost)


def all_rules(targets: Iterable[Target]) -> dict[str, Rule]:
    """Code → rule, over all targets; rules that cannot be read are told when a file is held against them."""
    known: dict[str, Rule] = {}
    for target in targets:
        with contextlib.suppress(PluginError):
            known |= {rule.code: rule for rule in rules_of(target)}
    return known


def find(code: str, targets: Iterable[Target], others: Iterable[str] = ()) -> Rule:
    """The rule of this code, in any case of letters; UsageError with the nearest code (of a rule, or of `others`) otherwise."""
    known = all_rules(targets)
    rule = known.get(code.upper()) or known.get(code)
    if rule is not None:
        return rule
    spelled = {c.lower(): c for c in (*known, *others)}
    near = difflib.get_close_matches(code.lower(), spelled, n=1, cutoff=0.5)
    hint = (
        f"did you mean {spelled[near[0]]}? type: edgeroute explain {spelled[near[0]]}"
        if near
        else "findings of `edgeroute check` carry the codes, and so does every message"
    )
    raise UsageError(f"no rule and no message has the code {code}", where="explain", remedy=hint, code="unknown-rule")


def explain(code: str, targets: Iterable[Target], others: Iterable[str] = ()) -> Mapping[str, Json]:
    """What `edgeroute explain` prints of a rule, as JSON."""
    rule = find(code, targets, others)
    return {f.name: to_json(getattr(rule, f.name)) for f in fields(rule)}


@functools.cache
def load(address: str) -> tuple[Rule, ...]:
    """Every rule behind `package:path`; PluginError where that is missing or malformed."""
    package, _, path = address.partition(":")
    try:
        root = importlib.resources.files(package).joinpath(path)
        return tuple(_rule(table, name) for name, text in _texts(root) for table in tomllib.loads(text).get("rule", ()))
    except (ModuleNotFoundError, OSError, ValueError, TypeError, KeyError) as error:
        raise PluginError(
            f"the rules at {address} cannot be read: {error}",
            where=address,
            remedy="reinstall the plugin that brings this target, or tell its author",
            code="rules-broken",
        ) from error


def _texts(root: Traversable) -> Iterator[tuple[str, str]]:
    """Name and text of a TOML file, or of every one in a folder, by name."""
    if root.is_file():
        yield root.name, root.read_text(encoding="utf-8")
        return
    for entry in sorted(root.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            yield entry.name, entry.read_text(encoding="utf-8")


def _rule(table: Mapping[str, Any], name: str) -> Rule:
    """A rule from its table; ValueError names the file and the field that is wrong."""
    names = {f.name for f in fields(Rule)}
    required = names - {"severity_for", "certainty_note", "reason"}
    code = table.get("code", "?")
    if wrong := (required - table.keys()) | (table.keys() - names):
        raise ValueError(f"{name}, rule {code}: missing or unknown {', '.join(sorted(wrong))}")
    phase = _strings(table["phase"])
    if table["certainty"] not in CERTAINTIES or not phase or not set(phase) <= set(PHASES):
        raise ValueError(f"{name}, rule {code}: certainty {table['certainty']!r} or phase {phase} is none that exists")
    lists = {key: _strings(table[key]) for key in ("scope", "source", "phase")}
    own = {target: Severity(value) for target, value in table.get("severity_for", {}).items()}
    return Rule(**{**table, **lists, "severity": Severity(table["severity"]), "severity_for": own})


def _strings(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value)) if isinstance(value, list) else ()
