"""Our own plugins under the suite that strangers' plugins run: `edgeroute.testing`.

Every plugin owes what it declares; those that convert ONNX are also run, on the suite's own tiny model. The edges of other
sources are run for real on trained networks, in their plugins' own folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx

import edgeroute_plugins
from edgeroute.testing import samples
from edgeroute.testing.conduct import Sample
from edgeroute.testing.contract import PluginContract
from edgeroute.testing.work import Work
from edgeroute.types import Preprocess
from tests.plugins.prepare.builders import Net


def joined(folder: Path) -> Path:
    """Boxes and scores in one output, of which there is something to cut and to split."""
    net = Net((1, 3, 16, 16))
    x = net.add("Relu", net.conv("x", 3, 8))
    boxes = net.add("Mul", net.conv(x, 8, 4, 1), net.constant(100.0), out="boxes")
    scores = net.add("Sigmoid", net.conv(x, 8, 3, 1), out="scores")
    place = folder / "joined.onnx"
    onnx.save(net.model(net.add("Concat", boxes, scores, axis=1, out="head")), place)
    return place


RUN: Mapping[str, Mapping[str, Sample]] = {
    "onnx": {"onnx": samples.onnx, "onnx-static": samples.onnx},
    "onnxslim": {"onnx": samples.onnx},
    "onnx2tf": {"onnx": samples.onnx},
    "prepare": {"onnx": joined},
    "aiedge": {"onnx": samples.onnx},
    "tflite": {"onnx": samples.onnx},
}
"""Plugins whose edges are run here → their samples."""
FIELDS: Mapping[str, Mapping[str, object]] = {
    "tflite": {"elsewhere": ("tflite-mixed",)},
    "prepare": {
        "requests": {
            "camera": {"preprocess": Preprocess(scale=1 / 255, known=True)},
            "cut": {"options": {"cut": {"at": ("boxes", "scores")}}},
        }
    },
}


def contract(name: str) -> type[PluginContract]:
    """A plugin's test class; without samples its converters are not run here."""
    fields: dict[str, object] = {
        "plugin": f"edgeroute_plugins.{name}.plugin",
        "samples": RUN.get(name, {}),
        "__module__": __name__,
        **FIELDS.get(name, {}),
    }
    if name not in RUN:
        fields |= {test: None for test in vars(Work) if test.startswith("test_")}
    return type(f"TestContract_{name}", (PluginContract,), fields)


FOLDER = Path(str(edgeroute_plugins.__file__)).parent
NAMES = sorted(p.parent.name for p in FOLDER.glob("*/plugin.py"))
globals().update({f"TestContract_{name}": contract(name) for name in NAMES})


def test_every_plugin_of_ours_is_under_contract() -> None:
    assert set(RUN) <= set(NAMES) and len(NAMES) > 15
    assert all(issubclass(globals()[f"TestContract_{name}"], PluginContract) for name in NAMES)
