"""A build context read back: its description and the model inside. Standard library only; nothing of it is run."""

from __future__ import annotations

from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute.files import read_json
from edgeroute.types import Facts, Json, Recognition
from edgeroute_plugins.acap.parts import DESCRIPTION, KINDS, SCHEMA, SCRIPT, kind_of

FILES = ("Dockerfile", "requirements.txt", SCRIPT, "README.md")
TEMPLATE = Path(__file__).with_name("context") / SCRIPT


def recognize(folder: Path) -> Recognition | None:
    """By the description's schema; SourceError where the model that it names is missing or no model."""
    told = read_json(folder / DESCRIPTION)
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        return None
    model, name = folder / str(told.get("model", "")), str(told.get("format", ""))
    if name not in {k.format for k in KINDS} or not model.is_file():
        raise SourceError(
            f"the build context describes {name or 'no format'} with the model {told.get('model')}, which is not there",
            where=str(folder),
            remedy="convert the model again: edgeroute convert MODEL --to acap-container",
            code="acap-damaged",
        )
    inner = _inner(model)
    missing = [f for f in FILES if not (folder / f).is_file()]
    details: dict[str, Json] = {"container": told, "missing": missing, "own_code": is_ours(folder)}
    return Recognition(name, Facts(inner.inputs, inner.outputs, inner.operators, {**inner.details, **details}))


def _inner(model: Path) -> Facts:
    from edgeroute_plugins.onnx.plugin import edgeroute_recognize as onnx
    from edgeroute_plugins.tflite.plugin import edgeroute_recognize as tflite

    found = tflite(model) or onnx(model)
    if found is None:
        raise SourceError(
            f"{model.name} is neither ONNX nor TFLite", remedy="convert the model again", where=str(model), code="acap-damaged"
        )
    return found.facts


def is_ours(folder: Path) -> bool:
    """Whether the context's code is what we wrote, byte by byte: only that is run here."""
    script = folder / SCRIPT
    return script.is_file() and script.read_bytes() == TEMPLATE.read_bytes()


def whole(facts: Facts) -> list[str]:
    """The promise of a context: nothing is missing, and its shapes are fixed."""
    broken = [f"it has no {name}" for name in facts.details.get("missing", ())]
    return broken + [f"{t.name} has an open shape" for t in (*facts.inputs, *facts.outputs) if not t.is_static]


def kind(folder: Path) -> str:
    """Module that the context's code imports."""
    told = read_json(folder / DESCRIPTION) or {}
    return kind_of(str(told["format"])).runtime
