"""Files that run code when they are loaded without care; made and opened in the torch environment only."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import EdgerouteError
from edgeroute_plugins.torch_onnx.programs import load_program
from edgeroute_plugins.torch_onnx.weights import read_weights


class Bomb:
    """Unpickling it leaves a file behind."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def trapped(source: Path, out: Path, mark: Path, kind: str) -> None:
    """A copy of an exported program with an open batch, and one trap: in its pickle, its guards or its symbols."""
    call = f"__import__('os').system('touch {mark}')"
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(out, "w") as copy:
        for name in archive.namelist():
            data = archive.read(name)
            if kind == "pickle" and "sample_inputs" in name:
                buffer = io.BytesIO()
                torch.save(Bomb(str(mark)), buffer)
                data = buffer.getvalue()
            if name.endswith("models/model.json"):
                data = json.dumps(edited(json.loads(data), kind, call)).encode()
            copy.writestr(name, data)


def edited(program: Any, kind: str, call: str) -> Any:
    """The program's JSON with a call where torch evaluates text."""
    if kind == "guards":
        program["guards_code"] = [f"{call} == 0"]
    if kind == "symbol":
        for value in program["graph_module"]["graph"]["tensor_values"].values():
            for size in value["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = call
    return program


def outcome(source: str, out: str, kind: str, trust: bool) -> dict[str, Any]:
    """What loading and running a trapped program says, and whether the trap went off."""
    os.environ.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD", None)
    mark = Path(out).with_name("it-went-off")
    mark.unlink(missing_ok=True)
    trapped(Path(source), Path(out), mark, kind)
    said: dict[str, Any] = {"code": ""}
    try:
        load_program(Path(out), trust).module()(torch.rand(2, 3, 32, 32))
    except EdgerouteError as error:
        said = error.as_json()
    return {**said, "went_off": mark.exists()}


def pickled(out: str, trust: bool) -> dict[str, Any]:
    """The same for a state dict with a bomb in it."""
    mark = Path(out).with_name("it-went-off")
    mark.unlink(missing_ok=True)
    torch.save({"state_dict": {"weight": torch.zeros(2)}, "surprise": Bomb(str(mark))}, out)
    said: dict[str, Any] = {"code": ""}
    try:
        read_weights(Path(out), trust)
    except EdgerouteError as error:
        said = error.as_json()
    return {**said, "went_off": mark.exists()}
