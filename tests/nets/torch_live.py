"""Live PyTorch objects, captured as a user's call would; imported in the torch environment only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeroute.errors import EdgerouteError
from edgeroute_plugins.torch_onnx.options import SHAPES_VARIABLE, TRUST_VARIABLE
from edgeroute_plugins.torch_onnx.plugin import edgeroute_capture
from edgeroute_plugins.torch_onnx.session import open_program, open_script

from .torch_nets import SHAPES, Depthwise


class Branching(nn.Module):
    """Decides by a value: cannot be traced."""

    def forward(self, image: Tensor) -> Tensor:
        return image * 2 if image.sum() > 0 else image


class Restless(nn.Module):
    """Says something else every time."""

    def forward(self, image: Tensor) -> Tensor:
        return image + torch.rand_like(image)


def capture_all(folder: str) -> dict[str, Any]:
    """Capture a module, an exported program, TorchScript and a module with inputs by name; what is refused, and with which words."""
    net, example = Depthwise(), torch.rand(SHAPES["depthwise"])
    net(torch.rand(4, 3, 32, 32))
    objects: dict[str, tuple[Any, Any]] = {
        "module": (net, example),
        "program": (torch.export.export(Depthwise().eval(), (example,)), None),
        "script": (torch.jit.script(Depthwise().eval()), None),
        "names": (net, {"image": example.numpy()}),
    }
    files = {}
    for name, (obj, inputs) in objects.items():
        (Path(folder) / name).mkdir(parents=True)
        files[name] = edgeroute_capture(obj, Path(folder) / name, inputs)
    kept = net.training
    session = open_program(files["module"] or Path())
    with torch.no_grad():
        gap = float((torch.from_numpy(session.run([example.numpy()])[0]) - net.eval()(example)).abs().max())
    return {
        "files": {name: path.name for name, path in files.items() if path},
        "training_kept": kept,
        "largest_difference": gap,
        "without_inputs": refusal(net, None, folder),
        "untraceable": refusal(Branching(), example, folder),
        "restless": refusal(Restless(), example, folder),
        "misshapen": refusal(net, torch.rand(1, 5, 32, 32), folder),
        "misnamed": refusal(net, {"picture": example}, folder),
        "wrapped": [
            name_of_program(wrapped, example, Path(folder)) for wrapped in (nn.DataParallel(Depthwise()), torch.compile(Depthwise()))
        ],
    }


def name_of_program(obj: Any, inputs: Any, folder: Path) -> str:
    """The name of the file that a wrapped module is captured in."""
    path = edgeroute_capture(obj, folder, inputs)
    return path.name if path else ""


def refusal(obj: Any, inputs: Any, folder: str) -> dict[str, object]:
    """The words of the error that capturing raises."""
    try:
        edgeroute_capture(obj, Path(folder), inputs)
    except EdgerouteError as error:
        return error.as_json()
    return {"code": "nothing was raised"}


class Nested(nn.Module):
    """Two pictures and a vector in, whose names do not sort as they stand; a dictionary with a tuple out."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(1, 2, 3, padding=1)
        self.third = nn.Linear(5, 4)

    def forward(self, zebra: Tensor, apple: Tensor, middle: Tensor) -> dict[str, Any]:
        picture = self.first(zebra) + self.third(middle)[:, :, None, None]
        return {"picture": picture, "vectors": (self.second(apple).mean((2, 3)), middle * 2)}


class Unloved(nn.Module):
    """Uses an operator that converters have no counterpart for."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.special.bessel_j0(image)


def save_nested(out: str) -> None:
    """An exported program with three inputs and three outputs."""
    torch.manual_seed(0)
    inputs = (torch.rand(1, 3, 8, 8), torch.rand(1, 1, 6, 6), torch.rand(1, 5))
    torch.export.save(torch.export.export(Nested().eval(), inputs), out)


def save_unloved(out: str) -> None:
    """An exported program that few tools can take."""
    torch.export.save(torch.export.export(Unloved(), (torch.rand(1, 3, 8, 8),)), out)


def save_open(out: str) -> None:
    """An exported program whose pictures may have any size."""
    sizes = {2: 8 * torch.export.Dim("rows", min=1, max=16), 3: 8 * torch.export.Dim("columns", min=1, max=16)}
    program = torch.export.export(Depthwise().eval(), (torch.rand(1, 3, 64, 48),), dynamic_shapes=(sizes,))
    torch.export.save(program, out)


def run_script(model: str, program: str, shape: list[int]) -> dict[str, Any]:
    """A TorchScript file's session before and after the user's word, against the exported program of the same network."""
    untrusted = ""
    try:
        open_script(Path(model))
    except EdgerouteError as error:
        untrusted = error.code
    os.environ |= {TRUST_VARIABLE: "1", SHAPES_VARIABLE: json.dumps({"camera": shape})}
    session, example = open_script(Path(model)), torch.rand(shape).numpy()
    gap = abs(session.run([example])[0] - open_program(Path(program)).run([example])[0]).max()
    return {"untrusted": untrusted, "shape": list(session.inputs[0].shape), "difference": float(gap)}
