"""For every rule of Ambarella's chips a file that breaks it and one that keeps it."""

from __future__ import annotations

from edgeroute.types import Facts, Tensor
from edgeroute_plugins.devices.cavalry import MAGIC
from tests.plugins.devices.cases_tflite import sound
from tests.plugins.devices.holding import Held
from tests.plugins.devices.onnx_builder import Dimension, model

SOURCE = {"source": Facts((Tensor("images", (1, 3, 64, 64), "float32"),), (Tensor("scores", (1, 8), "float32"),))}


def onnx(*shape: Dimension, **more: object) -> Held:
    data = model(shape or (1, 3, 64, 64), **more)  # type: ignore[arg-type]
    return Held(data, "cv25", format="onnx-static")


def binary(chip: str, names: bytes = b"images\0scores\0", target: str = "cv25") -> Held:
    return Held(MAGIC[chip] + bytes(64) + names, target, SOURCE, format=f"cavalry-{target}")


CASES: dict[str, tuple[Held, Held]] = {
    "CV-001": (onnx(location="weights.data"), onnx()),
    "CV-002": (onnx("batch", 3, 64, 64), onnx(1, 3, 64, 64)),
    "CV-003": (onnx(opset=11), onnx(opset=17)),
    "CV-004": (onnx(1, 64, 64, 3), onnx(1, 3, 64, 64)),
    "CV-005": (onnx(1, 3, 300, 300), onnx(1, 3, 320, 320)),
    "CV-006": (onnx(kind="QuantizeLinear"), onnx()),
    "CV-007": (onnx(name="serving_default:0"), onnx(name="serving_default_0")),
    "CV-010": (binary("cv75"), binary("cv25")),
    "CV-011": (binary("cv25", b"other\0"), binary("cv25")),
    "CV-013": (Held(sound(), "cv25", format="tflite-int8"), onnx()),
}
