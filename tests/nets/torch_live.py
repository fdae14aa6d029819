"""Live PyTorch objects, captured as a user's call would; imported in the torch environment only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeroute.errors import EdgerouteError
from edgeroute_plugins.torch_onnx.plugin import edgeroute_capture
from edgeroute_plugins.torch_onnx.session import open_program

from .torch_nets import SHAPES, Depthwise


class Branching(nn.Module):
    """Decides by a value: cannot be traced."""

    def forward(self, image: Tensor) -> Tensor:
        return image * 2 if image.sum() > 0 else image


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
    }


def refusal(obj: Any, inputs: Any, folder: str) -> dict[str, object]:
    """The words of the error that capturing raises."""
    try:
        edgeroute_capture(obj, Path(folder), inputs)
    except EdgerouteError as error:
        return error.as_json()
    return {"code": "nothing was raised"}
