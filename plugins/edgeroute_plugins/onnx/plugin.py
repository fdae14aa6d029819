"""ONNX: the formats, how to recognise them, a live ModelProto, and who runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.hookspecs import hookimpl
from edgeroute.types import Format, Recognition, Runner

_RUN = "edgeroute_plugins.onnx.run"


@hookimpl
def edgeroute_formats() -> list[Format]:
    return [
        Format("onnx", "ONNX", ".onnx"),
        Format("onnx-static", "ONNX, shapes pinned", ".onnx", is_a="onnx", static=True, promise="edgeroute_plugins.onnx.promises:static"),
    ]


@hookimpl
def edgeroute_recognize(path: Path) -> Recognition | None:
    """By its content: a ModelProto with a graph. A file that only starts like one is damaged when it is called .onnx, and not ours otherwise."""
    if not path.is_file():
        return None
    from edgeroute_plugins.onnx import external, facts, header

    with path.open("rb") as file:
        if not header.looks_like_onnx(file.read(2)):
            return None
    try:
        model = header.read(path)
    except SourceError:
        if path.suffix == ".onnx":
            raise
        return None
    files = external.external_files(path, model)
    return Recognition("onnx", facts.facts_of(model, path.stat().st_size, files), files)


@hookimpl
def edgeroute_capture(obj: object, folder: Path, inputs: Any) -> Path | None:
    """A live `onnx.ModelProto`, told by its class's name so that onnx need not be imported."""
    kind = type(obj)
    if kind.__name__ != "ModelProto" or not kind.__module__.startswith("onnx"):
        return None
    path = folder / "model.onnx"
    try:
        path.write_bytes(obj.SerializeToString())  # type: ignore[attr-defined]
    except ValueError as error:
        raise SourceError(
            f"this ModelProto cannot be serialized: {error}",
            remedy="beyond 2 GB, save it with onnx.save_model(model, path, save_as_external_data=True) and give the path",
            code="onnx-too-large",
        ) from error
    return path


@hookimpl
def edgeroute_runners() -> list[Runner]:
    return [
        Runner(
            "onnxruntime",
            ("onnx", "onnx-static"),
            run=f"{_RUN}:load",
            environment="runtime",
            inspect=f"{_RUN}:inspect",
            trace="edgeroute_plugins.onnx.trace:load",
            part="edgeroute_plugins.onnx.part:part",
        )
    ]
