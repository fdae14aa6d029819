"""JSON Schemas (draft 2020-12) of everything that `--json` prints: nouns from their dataclasses, the frames around them by hand.

`python -m edgeroute.report.schema` writes them into `schemas/`; a test holds the files equal to what this module says.
"""

from __future__ import annotations

import ast
import collections.abc
import dataclasses
import enum
import inspect
import json
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

from edgeroute.device.trial import DeviceReport
from edgeroute.environments import EnvironmentState
from edgeroute.handover import Manifest
from edgeroute.interpreters import Interpreter
from edgeroute.runner.audit import Audit
from edgeroute.runner.blame import Blame
from edgeroute.sidecar import Deployment
from edgeroute.types import Artifact, ConversionResult, Converter, Finding, Format, Json, Plan, Target, ValidationReport

FOLDER = Path(__file__).parent / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT: Mapping[str, Json] = {"type": "string"}
TRUTH: Mapping[str, Json] = {"type": "boolean"}
INTEGER: Mapping[str, Json] = {"type": "integer"}
NUMBER: Mapping[str, Json] = {"type": ["number", "null"]}
"""A float that is not finite is written as null."""
PLAIN: Mapping[object, Json] = {str: TEXT, Path: TEXT, bool: TRUTH, int: INTEGER, float: NUMBER, type(None): {"type": "null"}, type: TEXT}


class Definitions:
    """Schemas of dataclasses, collected under $defs as they are met."""

    def __init__(self) -> None:
        self.found: dict[str, Json] = {}

    def of(self, hint: Any) -> dict[str, Json]:
        """The schema of a type hint."""
        if hint is Any or hint is object:
            return {}
        if hint in PLAIN:
            return dict(PLAIN[hint])
        if dataclasses.is_dataclass(hint):
            return self._reference(typing.cast(type, hint))
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return {"enum": [member.value for member in hint]}
        return self._generic(hint)

    def _generic(self, hint: Any) -> dict[str, Json]:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(a) for a in arguments]}
        if origin in (tuple, list, collections.abc.Sequence):
            return {"type": "array", "items": self.of(arguments[0])}
        if origin in (dict, collections.abc.Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        raise TypeError(f"no schema for {hint!r}")

    def _reference(self, cls: type) -> dict[str, Json]:
        if cls.__name__ not in self.found:
            self.found[cls.__name__] = {}
            self.found[cls.__name__] = self._dataclass(cls)
        return {"$ref": f"#/$defs/{cls.__name__}"}

    def _dataclass(self, cls: type) -> dict[str, Json]:
        hints, said = typing.get_type_hints(cls), field_docs(cls)
        names = [f.name for f in dataclasses.fields(cls)]
        properties = {n: {**self.of(hints[n]), **({"description": said[n]} if n in said else {})} for n in names}
        return {"type": "object", "description": _first_line(cls), "properties": properties, "required": names}


class Field(ast.AnnAssign):
    """An annotated assignment to a plain name."""

    target: ast.Name


@cache
def field_docs(cls: type) -> Mapping[str, str]:
    """The string that stands under each field of a dataclass in its source."""
    (body,) = ast.parse(inspect.getsource(cls).lstrip()).body
    assert isinstance(body, ast.ClassDef)
    pairs = zip(body.body, body.body[1:], strict=False)
    return {field.target.id: said for field, after in pairs if _is_field(field) and (said := _string(after))}


def _is_field(node: ast.stmt) -> TypeGuard[Field]:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _string(node: ast.stmt) -> str:
    value = node.value.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else None
    return " ".join(value.split()) if isinstance(value, str) else ""


def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n")[0]


def record(properties: Mapping[str, Json], description: str = "", optional: tuple[str, ...] = ()) -> dict[str, Json]:
    """An object of our own making."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", **({"description": description} if description else {}), "properties": dict(properties), "required": required}


def listed(items: Json) -> dict[str, Json]:
    return {"type": "array", "items": items}


def counted(value: Json) -> dict[str, Json]:
    return {"type": "object", "additionalProperties": value}


def extended(definitions: Definitions, cls: type, properties: Mapping[str, Json]) -> dict[str, Json]:
    """A noun's object with more keys beside its own."""
    noun = definitions._dataclass(cls)
    return {
        **noun,
        "properties": {**noun["properties"], **properties},
        "required": [*noun["required"], *(k for k in properties if k not in noun["required"])],
    }


PLUGIN = record(
    {"name": TEXT, "status": {"enum": ["loaded", "broken", "shadowed", "disabled"]}, "origin": TEXT, "reason": TEXT, "adds": listed(TEXT)}
)
OPTION = record({"name": TEXT, "default": {}, "help": TEXT, "choices": listed({}), "fill": TEXT}, optional=("help", "choices", "fill"))
ERROR = record({"code": TEXT, "message": TEXT, "where": TEXT, "remedy": TEXT, "exit_code": INTEGER})


def _convert(d: Definitions) -> dict[str, Json]:
    return d.of(ConversionResult)


def _plan(d: Definitions) -> dict[str, Json]:
    return extended(d, Plan, {"environments": {**counted(TEXT), "description": "Environment → what it would take to run in it."}})


def _check(d: Definitions) -> dict[str, Json]:
    return extended(d, ValidationReport, {"ok": {**TRUTH, "description": "No finding is an error."}})


def _inspect(d: Definitions) -> dict[str, Json]:
    return d.of(Artifact)


def _error(d: Definitions) -> dict[str, Json]:
    tried = {"rejected": listed({"type": "object"}), "candidates": listed({"type": "object"})}
    return record({"error": ERROR, **tried}, "What every command prints with --json when it fails.", optional=tuple(tried))


def _converters(d: Definitions) -> dict[str, Json]:
    return listed(extended(d, Converter, {"key": TEXT, "options": listed(OPTION)}))


def _environments(d: Definitions) -> dict[str, Json]:
    answer = record(
        {"name": TEXT, "ok": TRUTH, "text": TEXT, "python": TEXT, "digest": TEXT, "freed_mb": INTEGER, "findings": listed(d.of(Finding))},
        optional=("python", "digest", "freed_mb", "findings"),
    )
    return record({"action": {"enum": ["build", "check", "remove"]}, "environments": listed(answer)})


def _cache(d: Definitions) -> dict[str, Json]:
    return record(
        {
            "action": {"enum": ["info", "clear"]},
            "folder": TEXT,
            "entries": counted(INTEGER),
            "bytes": counted(INTEGER),
            "total_bytes": INTEGER,
        }
    )


def _doctor(d: Definitions) -> dict[str, Json]:
    problem = record({"what": TEXT, "remedy": TEXT})
    return record(
        {
            "edgeroute": TEXT,
            "python": record({"version": TEXT, "path": TEXT}),
            "platform": TEXT,
            "home": record({"path": TEXT, "free_gb": {"type": "number"}}),
            "interpreters": listed(d.of(Interpreter)),
            "environments": listed(d.of(EnvironmentState)),
            "tools": listed(record({"name": TEXT, "how": TEXT, "where": TEXT, "version": TEXT})),
            "plugins": listed(PLUGIN),
            "problems": listed(problem),
        }
    )


def _explain(d: Definitions) -> dict[str, Json]:
    return record({"code": TEXT, "title": TEXT, "why": TEXT, "remedy": TEXT}, optional=("title", "why", "remedy"))


def _batch(d: Definitions) -> dict[str, Json]:
    result = {"anyOf": [d.of(ConversionResult), {"type": "null"}]}
    error = {"anyOf": [ERROR, {"type": "null"}]}
    item = record({"source": TEXT, "target": TEXT, "status": TEXT, "seconds": NUMBER, "result": result, "error": error})
    status = {"enum": ["succeeded", "handed-over", "partial", "failed"]}
    return record({"status": status, "exit_code": INTEGER, "seconds": NUMBER, "items": listed(item)})


KINDS = {
    "convert": ("edgeroute convert --json", _convert),
    "batch": ("edgeroute convert A B --to X,Y --json, and with --config", _batch),
    "plan": ("edgeroute plan --json", _plan),
    "check": ("edgeroute check --json", _check),
    "inspect": ("edgeroute inspect --json", _inspect),
    "verify": ("edgeroute verify --json", lambda d: d.of(Audit)),
    "blame": ("edgeroute blame --json", lambda d: d.of(Blame)),
    "list-formats": ("edgeroute list formats --json", lambda d: listed(d.of(Format))),
    "list-converters": ("edgeroute list converters --json", _converters),
    "list-targets": ("edgeroute list targets --json", lambda d: listed(d.of(Target))),
    "plugins": ("edgeroute plugins --json", lambda d: listed(PLUGIN)),
    "env-list": ("edgeroute env list --json", lambda d: listed(d.of(EnvironmentState))),
    "env": ("edgeroute env build|check|remove --json", _environments),
    "cache": ("edgeroute cache info|clear --json", _cache),
    "doctor": ("edgeroute doctor --json", _doctor),
    "explain": ("edgeroute explain CODE --json", _explain),
    "finish": ("edgeroute finish --json", _convert),
    "device": ("edgeroute device test --json", lambda d: d.of(DeviceReport)),
    "deploy": ("NAME.deploy.json, beside every file for a camera", lambda d: d.of(Deployment)),
    "handover": ("manifest.json of a bundle, NAME.handover", lambda d: d.of(Manifest)),
    "plugin": (
        "edgeroute plugin new --json",
        lambda d: record({"folder": TEXT, "name": TEXT, "files": listed(TEXT), "next": listed(TEXT)}),
    ),
    "completion": ("edgeroute completion --json", lambda d: record({"shell": TEXT, "script": TEXT, "place": TEXT})),
    "error": ("any command with --json that fails", _error),
}


def schema(kind: str) -> dict[str, Json]:
    """The schema of one kind of output."""
    title, build = KINDS[kind]
    definitions = Definitions()
    body = build(definitions)
    return {"$schema": DRAFT, "$id": f"edgeroute/{kind}.json", "title": title, **body, "$defs": dict(sorted(definitions.found.items()))}


def text(kind: str) -> str:
    return json.dumps(schema(kind), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every schema."""
    FOLDER.mkdir(exist_ok=True)
    for kind in KINDS:
        (FOLDER / f"{kind}.json").write_text(text(kind), encoding="utf-8")


if __name__ == "__main__":
    main()
