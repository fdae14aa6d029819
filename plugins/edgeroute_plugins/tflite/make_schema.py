"""Regenerates `schema.json`, the enum names and option slots of the TFLite schema, from ai-edge-litert's generated reader.

Type `python -m edgeroute_plugins.tflite.make_schema` in an environment that holds the ai-edge-litert whose schema is wanted.
"""

from __future__ import annotations

import inspect
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

ENUMS = ("TensorType", "BuiltinOperator", "Padding", "ActivationFunctionType", "FullyConnectedOptionsWeightsFormat", "MirrorPadMode")
ENUM_OF_FIELD = {
    "Padding": "Padding",
    "FusedActivationFunction": "ActivationFunctionType",
    "WeightsFormat": "FullyConnectedOptionsWeightsFormat",
}
TENSOR_TYPE_FIELDS = {"InDataType", "OutDataType", "OutType", "OutputType", "IdxOutType", "QuantizedBiasType", "KeyDtype", "ValueDtype"}
RENAMED = {"fused_activation_function": "fused_activation"}
SCALAR = re.compile(r"^def {cls}Add(\w+)\(builder, \w+\):\n    builder\.Prepend(\w+)Slot\((\d+), \w+, ([^)]+)\)", re.M)
VECTOR_TEMPLATE = r"def {field}\(self, j\):.*?return self\._tab\.(Get|String)\((?:flatbuffers\.number_types\.(\w+)Flags)?"


def snake(name: str) -> str:
    """`DilationHFactor` → `dilation_h_factor`."""
    text = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name)
    return re.sub(r"(?<=[A-Z])([A-Z][a-z])", r"_\1", text).lower()


def enum_names(schema: Any, name: str) -> dict[str, str]:
    members = {k: v for k, v in vars(getattr(schema, name)).items() if isinstance(v, int)}
    return {str(number): member for member, number in sorted(members.items(), key=lambda item: item[1])}


def field_kind(cls: str, field: str, stored: str) -> str:
    """The enum that a byte field holds, or its stored type."""
    if field in ENUM_OF_FIELD and not cls.startswith("Stablehlo"):
        return ENUM_OF_FIELD[field]
    if field == "Mode" and cls == "MirrorPadOptions":
        return "MirrorPadMode"
    return "TensorType" if field in TENSOR_TYPE_FIELDS else stored.lower()


def vector_kind(source: str, field: str) -> str:
    """`int32[]` for a vector of numbers, `string` for a text, empty for what the reader leaves out (nested tables)."""
    found = re.search(VECTOR_TEMPLATE.format(field=field), source, re.S)
    if found:
        return f"{found[2].lower()}[]" if found[1] == "Get" and found[2] else ""
    return "string" if re.search(rf"def {field}\(self\):.*?self\._tab\.String\(", source, re.S) else ""


def option_fields(text: str, schema: Any, cls: str) -> list[list[Any]]:
    """[name, slot, kind, default] for every field of an options table."""
    source = inspect.getsource(getattr(schema, cls))
    rows: list[list[Any]] = []
    for field, stored, slot, default in re.findall(SCALAR.pattern.replace("{cls}", cls), text, re.M):
        offset = stored == "UOffsetTRelative"
        kind = vector_kind(source, field) if offset else field_kind(cls, field, stored)
        if kind:
            name = snake(field)
            rows.append([RENAMED.get(name, name), int(slot), kind, None if offset else json.loads(default.lower())])
    return rows


def pointer_defaults(text: str) -> str:
    """The generated source with offset slots written like scalar slots, so that one pattern reads both."""
    return re.sub(r"(Slot\(\d+, )flatbuffers\.number_types\.UOffsetTFlags\.py_type\((\w+)\)", r"\1\2", text)


def build() -> dict[str, Any]:
    from ai_edge_litert import schema_py_generated as schema

    text = pointer_defaults(inspect.getsource(schema))
    unions = {u: enum_names(schema, u) for u in ("BuiltinOptions", "BuiltinOptions2")}
    classes = sorted({name for union in unions.values() for name in union.values() if name != "NONE"})
    return {
        "comment": f"TFLite schema 3 as in ai-edge-litert {version('ai-edge-litert')}; written by make_schema.py",
        "enums": {name: enum_names(schema, name) for name in ENUMS},
        **unions,
        "options": {cls: fields for cls in classes if (fields := option_fields(text, schema, cls))},
    }


def render(tables: dict[str, Any]) -> str:
    """JSON with one line per enum and per options table."""

    def lines(mapping: dict[str, Any]) -> str:
        return "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in mapping.items()) + "\n }"

    body = [f" {json.dumps(k)}: {lines(v) if k in ('enums', 'options') else json.dumps(v)}" for k, v in tables.items()]
    return "{\n" + ",\n".join(body) + "\n}\n"


if __name__ == "__main__":
    Path(__file__).with_name("schema.json").write_text(render(build()))
