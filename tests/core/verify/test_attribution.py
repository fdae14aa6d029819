"""Where the loss enters, with traces made by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeroute.errors import UsageError
from edgeroute.types import Json, Layer, Tensor
from edgeroute.verify import attribution
from edgeroute.verify.matching import comparable, match
from tests.core.verify import fakes

Array = Any
TRACE = "tests.core.verify.test_attribution:load"


class Net:
    """conv a → relu → conv b → joined with a constant-scaled copy; a file says which tensors are rounded, and what they are called."""

    def __init__(self, description: Json) -> None:
        self.names: dict[str, str] = description["names"]
        self.rounded: dict[str, float] = description["rounded"]
        generator = np.random.default_rng(5)
        self.weights = {k: generator.standard_normal((6, 6)).astype(np.float32) for k in ("wa", "wb")}
        self.inputs: Sequence[Tensor] = [Tensor("x", (1, 6), "float32")]
        self.outputs = ["joined"]
        plain = [("CONV", ("x", "wa"), "a"), ("CONV", ("x", "wb"), "b"), ("RELU", ("a",), "r"), ("CONV", ("r", "wb"), "c")]
        chain = [*plain, ("MUL", ("b", "hundred"), "loud"), ("CONCATENATION", ("loud", "c"), "joined")]
        if description["order"] == "b first":
            chain[0], chain[1] = chain[1], chain[0]
        self.layers = [Layer(self.label(out), operator, ins, (out,)) for operator, ins, out in chain]
        if description["border"]:
            entry = Layer("q", "QUANTIZE", ("x",), ("xq",))
            self.layers = [
                entry,
                *(Layer(la.name, la.operator, tuple("xq" if i == "x" else i for i in la.inputs), la.outputs) for la in self.layers),
            ]
        self._values: dict[str, Array] = {}

    def run(self, arrays: Sequence[Array]) -> None:
        v = self._values
        v["x"] = v["xq"] = arrays[0]
        for layer in self.layers:
            given = [self.value(k) for k in layer.inputs]
            out = layer.outputs[0]
            if layer.operator == "CONV":
                v[out] = given[0] @ given[1]
            elif layer.operator == "RELU":
                v[out] = np.maximum(given[0], 0)
            elif layer.operator == "MUL":
                v[out] = given[0] * given[1]
            elif layer.operator == "CONCATENATION":
                v[out] = np.concatenate(given, axis=1)
            if step := self.rounded.get(out):
                v[out] = np.rint(v[out] / step) * step

    def value(self, key: str) -> Array | None:
        if key == "hundred":
            return np.float32(100.0)
        return self.weights[key] if key in self.weights else self._values.get(key)

    def is_constant(self, key: str) -> bool:
        return key in self.weights or key == "hundred"

    def shape(self, key: str) -> tuple[int, ...]:
        return () if key == "hundred" else (6, 6) if key in self.weights else (1, 12) if key == "joined" else (1, 6)

    def label(self, key: str) -> str:
        return self.names.get(key, key)


def load(model: Path) -> Net:
    return Net(json.loads(model.read_text()))


def write(path: Path, rounded: dict[str, float] | None = None, order: str = "", border: bool = False, **names: str) -> str:
    path.write_text(json.dumps({"rounded": rounded or {}, "names": names, "order": order, "border": border}))
    return str(path)


def blamed(folder: Path, second: str) -> Json:
    first = write(folder / "first.fake", a="first conv", joined="/head/Concat")
    samples = fakes.prepared(folder, Tensor("x", (1, 6), "float32"), count=16)
    return attribution.blame(TRACE, first, TRACE, second, samples)


def test_a_scale_made_for_the_loud_half_is_blamed_on_the_concat(tmp_path: Path) -> None:
    told = blamed(tmp_path, write(tmp_path / "second.fake", {"joined": 40.0}, border=True))
    assert told["largest"] == "/head/Concat" and told["summary"].startswith("100% of the loss enters at /head/Concat (CONCATENATION")
    worst = next(layer for layer in told["layers"] if layer["layer"] == "/head/Concat")
    assert worst["sqnr_db"] > 20 and worst["loss"] > 0.4, "the average looks well; the part does not"
    assert told["matched"] == 6 and told["operators"] == 7


def test_loss_is_counted_where_it_enters_and_not_again_behind(tmp_path: Path) -> None:
    told = blamed(tmp_path, write(tmp_path / "second.fake", {"a": 2.0}))
    shares = {layer["layer"]: layer["share"] for layer in told["layers"]}
    assert told["largest"] == told["first"] == "first conv" and shares["first conv"] > 0.5
    assert sum(shares.values()) == pytest.approx(1.0)


def test_layers_are_matched_by_weights_where_names_lie_and_order_differs(tmp_path: Path) -> None:
    second = write(tmp_path / "second.fake", {"b": 0.01}, order="b first", a="b", b="a", c="tfl.conv")
    told = blamed(tmp_path, second)
    found = {layer["layer"]: layer for layer in told["layers"]}
    assert found["b"]["sqnr_db"] < 100 and found["first conv"]["sqnr_db"] == 200.0


def test_files_that_agree_are_told_so(tmp_path: Path) -> None:
    told = blamed(tmp_path, write(tmp_path / "second.fake", a="other"))
    assert told["summary"] == "the 6 layers that were compared agree" and told["first"] == ""


def test_samples_of_another_model_are_refused(tmp_path: Path) -> None:
    samples = fakes.prepared(tmp_path, Tensor("x", (1, 7), "float32"))
    model = write(tmp_path / "first.fake")
    with pytest.raises(UsageError, match="do not fit"):
        attribution.blame(TRACE, model, TRACE, model, samples)


def test_names_serve_between_formats() -> None:
    one, two = (Net({"names": n, "rounded": {}, "order": "", "border": False}) for n in ({"a": "/m/Conv_output_0"}, {"a": "m.Conv"}))
    two.layers = [Layer(la.name, f"onnx::{la.operator}", la.inputs, la.outputs) for la in two.layers]
    assert match(one, two, {0: 0}).pairs["a"] == "a"
    assert comparable("/m/Conv_output_0") == comparable("m.Conv:0") == "m_conv"
