"""IR is read without OpenVINO: what is in it, what is damaged, what is hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from edgeroute_openvino import ir, promises
from edgeroute_openvino.check import check
from edgeroute_openvino.plugin import edgeroute_recognize, edgeroute_targets

from edgeroute.errors import SourceError
from edgeroute.types import Artifact

CPU, FLOAT = edgeroute_targets()

LAYER = '<layer id="{id}" name="{name}" type="{kind}" version="opset1">{data}<output><port id="1" precision="FP32" names="{name}"><dim>1</dim><dim>4</dim></port></output></layer>'


def write(folder: Path, *, quantized: bool = False, weights: int = 64) -> Path:
    """data → (FakeQuantize →) MatMul(data, constant) → result."""
    rows = [
        ("0", "x", "Parameter", '<data shape="1,4" element_type="f32"/>'),
        ("1", "w", "Const", '<data element_type="f32" offset="0" size="64"/>'),
    ]
    edges = [("0", "3", "0"), ("1", "3", "1"), ("3", "4", "0")]
    if quantized:
        rows += [("5", "qx", "FakeQuantize", ""), ("6", "qw", "FakeQuantize", "")]
        edges = [("0", "5", "0"), ("1", "6", "0"), ("5", "3", "0"), ("6", "3", "1"), ("3", "4", "0")]
    rows += [("3", "product", "MatMul", ""), ("4", "y", "Result", "")]
    layers = "".join(LAYER.format(id=i, name=n, kind=k, data=d) for i, n, k, d in rows)
    links = "".join(f'<edge from-layer="{a}" from-port="1" to-layer="{b}" to-port="{p}"/>' for a, b, p in edges)
    path = folder / "m.xml"
    path.write_text(f'<?xml version="1.0"?>\n<net name="m" version="11"><layers>{layers}</layers><edges>{links}</edges></net>')
    path.with_suffix(".bin").write_bytes(bytes(weights))
    return path


def test_float_and_int8_are_told_apart(tmp_path: Path) -> None:
    found = edgeroute_recognize(write(tmp_path))
    assert found is not None and found.format == "openvino" and found.files == (tmp_path / "m.bin",)
    assert [(t.name, t.shape, t.dtype) for t in found.facts.inputs] == [("x", (1, 4), "float32")]
    assert [t.name for t in found.facts.outputs] == ["product"]
    again = edgeroute_recognize(write(tmp_path, quantized=True))
    assert again is not None and again.format == "openvino-int8" and not again.facts.details["float_layers"]
    assert promises.floating(again.facts) and not promises.quantized(again.facts)


def test_a_layer_without_quantizers_is_found(tmp_path: Path) -> None:
    facts = ir.facts(ir.read(write(tmp_path)))
    report = check(Artifact(tmp_path / "m.xml", "openvino-int8", "0" * 64, 1, facts), CPU)
    assert [(f.code, f.where) for f in report.findings] == [("OV-002", "product")]
    assert [f.code for f in check(Artifact(tmp_path / "m.xml", "openvino", "0" * 64, 1, facts), FLOAT).findings] == ["OV-003"]


@pytest.mark.parametrize(("weights", "code"), [(10, "openvino-damaged"), (None, "openvino-weights-missing")])
def test_weights_must_be_whole(tmp_path: Path, weights: int | None, code: str) -> None:
    path = write(tmp_path, weights=weights or 64)
    if weights is None:
        path.with_suffix(".bin").unlink()
    with pytest.raises(SourceError) as caught:
        edgeroute_recognize(path)
    assert caught.value.code == code


def test_entities_are_never_expanded(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text().replace('<net name="m"', '<!DOCTYPE net [<!ENTITY a "aaaa">]><net name="m"'))
    assert edgeroute_recognize(path) is None
    late = '<net name="m">' + " " * 600 + '<!DOCTYPE net [<!ENTITY a "aaaa">]></net>'
    path.write_text(late)
    with pytest.raises(SourceError):
        edgeroute_recognize(path)
