"""The pages of the hooks and nouns, of the Python API, and of the JSON that the program prints."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import edgeroute
from docs.scripts.markdown import code, fence, grid, page, sentences
from edgeroute import errors, hookspecs, types
from edgeroute.plugins import API_VERSION
from edgeroute.report.schema import KINDS, field_docs, schema

DECLARED = ("Format", "Converter", "Cost", "Symptom", "Environment", "Tool", "Target", "Runner")
HANDED = ("Artifact", "Facts", "Tensor", "Finding", "Severity", "Recognition", "ValidationReport", "Preprocess", "Calibration")
PROTOCOLS = ("Session", "Trace", "Layer")
RESULTS = ("ConversionResult", "StepRecord", "Verification", "OutputFidelity", "Plan", "Route", "LeftOut")


def hooks() -> str:
    """Every question with its signature, and the nouns of the answers."""
    asked = [getattr(hookspecs, name) for name in vars(hookspecs) if name.startswith("edgeroute_")]
    return page(
        "Hooks and nouns",
        f"Plugin API {API_VERSION}. A plugin is a module; each function in it that is called `edgeroute_…` answers the question of that name. "
        "It is found through the entry-point group `edgeroute`, or given as a file with `--plugin`. Answers are plain data, declared with the "
        "standard library and `edgeroute.types` only; the work is named as `package.module:function` and imported in the worker. "
        "How to write one: [Your first plugin](../tutorial/first-plugin.md).\n",
        "## Hooks\n",
        *(_hook(function) for function in asked),
        "## What a plugin declares\n",
        *(noun(name) for name in DECLARED),
        "### option\n",
        fence(signature(types.option), "python"),
        sentences(types.option.__doc__),
        "## What passes between core and plugins\n",
        *(noun(name) for name in HANDED),
        "## Protocols of a runner\n",
        *(_protocol(getattr(types, name)) if name != "Layer" else noun(name) for name in PROTOCOLS),
    )


def _hook(function: Callable[..., Any]) -> str:
    options = getattr(function, "edgeroute_spec", {})
    first = "The first answer counts.\n" if options.get("firstresult") else ""
    return f"### {function.__name__}\n\n{fence(signature(function), 'python')}\n{sentences(function.__doc__)}\n\n{first}"


def noun(name: str) -> str:
    """A dataclass as a table of its fields; an enumeration as its values."""
    cls = getattr(types, name)
    doc = sentences(cls.__doc__)
    if not dataclasses.is_dataclass(cls):
        return f"### {name}\n\n{doc}\n\nValues: {', '.join(code(v.value) for v in cls)}.\n"
    said = field_docs(cls)
    rows = [(code(f.name), code(f.type), _default(f), said.get(f.name, "")) for f in dataclasses.fields(cls)]
    return f"### {name}\n\n{doc}\n\n" + grid(("field", "type", "default", "meaning"), rows)


def _default(item: dataclasses.Field[Any]) -> str:
    if item.default is not dataclasses.MISSING:
        return code(repr(item.default))
    return code("{}") if item.default_factory is dict else ""


def _protocol(cls: type) -> str:
    methods = [(n, f) for n, f in vars(cls).items() if inspect.isfunction(f) and not n.startswith("_")]
    attributes = [(code(n), code(t), "") for n, t in cls.__annotations__.items()]
    calls = [
        (code(signature(f).removeprefix("def ").replace("self, ", "").replace("self", "")), "", " ".join(sentences(f.__doc__).split()))
        for n, f in methods
    ]
    return f"### {cls.__name__}\n\n{sentences(cls.__doc__)}\n\n" + grid(("member", "type", "meaning"), [*attributes, *calls])


def python_api() -> str:
    """What `from edgeroute import …` gives, the errors, and the results."""
    functions = [getattr(edgeroute, name) for name in sorted(edgeroute.__all__) if inspect.isfunction(getattr(edgeroute, name))]
    return page(
        "Python",
        "The same program through Python. Errors are subclasses of `edgeroute.errors.EdgerouteError`, one family for each "
        "[exit code](exit-codes.md), each with `message`, `where`, `remedy` and `code`.\n",
        *(_function(f) for f in functions),
        "## Errors\n",
        fence(_tree(), "text"),
        "## Results\n",
        *(noun(name) for name in RESULTS),
    )


def _function(function: Callable[..., Any]) -> str:
    return f"## {function.__name__}\n\n{fence(signature(function), 'python')}\n{sentences(function.__doc__)}\n"


def signature(function: Callable[..., Any]) -> str:
    """A signature as it stands in the source; with one parameter on each line where it is long."""
    whole = inspect.signature(function)
    parts: list[str] = []
    for parameter in whole.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        parts.append(_parameter(parameter))
    back = "" if whole.return_annotation is inspect.Signature.empty else f" -> {whole.return_annotation}"
    short = f"def {function.__name__}({', '.join(parts)}){back}"
    return short if len(short) < 110 else "\n".join([f"def {function.__name__}(", *(f"    {p}," for p in parts), f"){back}"])


def _parameter(parameter: inspect.Parameter) -> str:
    """`name: type = default`, the type as it is written."""
    kind = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
    equals = " = " if kind else "="
    return f"{parameter.name}{kind}" + ("" if parameter.default is parameter.empty else f"{equals}{parameter.default!r}")


def _tree() -> str:
    doc = inspect.cleandoc(errors.__doc__ or "")
    return "\n".join(line for line in doc.splitlines() if re.match(r"EdgerouteError|├|└", line))


def json_output() -> str:
    """Every document that `--json` prints, and the nouns in it once."""
    documents = {kind: schema(kind) for kind in KINDS}
    shared: dict[str, Mapping[str, Any]] = {}
    for document in documents.values():
        shared |= document["$defs"]
    return page(
        "JSON output",
        "Every command takes `--json` and prints one document on stdout. The schemas (JSON Schema, draft 2020-12) are in the package: "
        '`edgeroute.report.schema.schema("convert")`, or the files in `edgeroute/report/schemas/`; tests hold every command to them.\n',
        *(_document(kind, document) for kind, document in documents.items()),
        "## Nouns\n",
        *(_definition(name, shared[name]) for name in sorted(shared)),
    )


def _document(kind: str, document: Mapping[str, Any]) -> str:
    return f"## {document['title']}\n\nSchema: `{kind}.json`.\n\n{_shape(document)}"


def _definition(name: str, body: Mapping[str, Any]) -> str:
    said = body.get("description", "")
    return f"### {name}\n\n{said}\n\n{_shape(body)}"


def _shape(body: Mapping[str, Any]) -> str:
    if body.get("type") == "array":
        inner = body["items"]
        return f"A list of {_kind(inner)}.\n\n" + (_shape(inner) if "properties" in inner else "")
    if "$ref" in body:
        return f"One {_kind(body)}.\n"
    needed: Sequence[str] = body.get("required", ())
    rows = [
        (code(name) + ("" if name in needed else " (may be missing)"), _kind(value), value.get("description", ""))
        for name, value in body.get("properties", {}).items()
    ]
    return grid(("key", "type", "meaning"), rows)


def _kind(value: Mapping[str, Any]) -> str:
    """A schema's type in a few words, with links to nouns."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in value:
        return " or ".join(code(v) for v in value["enum"])
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_kind(v) for v in value["anyOf"]))
    kind = value.get("type", "")
    if kind == "array":
        return f"list of {_kind(value['items'])}"
    if kind == "object":
        inner = value.get("additionalProperties")
        return f"object of {_kind(inner)}" if inner else "object"
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
    return " or ".join(names[k] for k in ([kind] if isinstance(kind, str) else kind) if k) if kind else "anything"
