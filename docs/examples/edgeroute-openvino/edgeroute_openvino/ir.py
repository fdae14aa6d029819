"""Reads IR: what OpenVINO writes as an .xml with the graph and a .bin with the weights. Standard library only; nothing is executed."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Tensor

HEAD = 512
LARGEST = 256 << 20
"""Bytes of a graph; weights do not count, they stand in the .bin."""
DTYPES: Mapping[str, str] = {
    "f32": "float32", "f16": "float16", "f64": "float64", "bf16": "bfloat16", "i64": "int64", "i32": "int32", "i16": "int16", "i8": "int8",
    "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64", "boolean": "bool", "i4": "int4", "u4": "uint4", "string": "object",
}  # fmt: skip
HEAVY = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul")
"""Layers that hold nearly all multiply-accumulates."""
TRANSPARENT = ("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Convert", "Multiply", "Subtract")
"""Layers between a quantizer and what it quantizes for: weights are stored as int8 and scaled back."""


@dataclass(frozen=True)
class Layer:
    """One node of the graph."""

    name: str
    kind: str
    opset: str
    data: Mapping[str, str]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Model:
    """A graph by layer ids."""

    path: Path
    weights: Path
    layers: Mapping[str, Layer]
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Layer → the layers that feed it, by input."""

    @property
    def is_quantized(self) -> bool:
        return any(layer.kind == "FakeQuantize" for layer in self.layers.values())

    def floating(self) -> tuple[str, ...]:
        """Names of the heavy layers whose input or weights are not quantized."""
        return tuple(layer.name for key, layer in self.layers.items() if layer.kind in HEAVY and not self._fed_by_quantizers(key))

    def _fed_by_quantizers(self, key: str) -> bool:
        return all(self._quantized(source) for source in self.sources.get(key, ())[:2])

    def _quantized(self, key: str) -> bool:
        for _ in range(8):
            layer = self.layers[key]
            if layer.kind == "FakeQuantize" or (layer.kind == "Const" and layer.data.get("element_type") in ("i8", "u8", "i4", "u4")):
                return True
            if layer.kind not in TRANSPARENT or not self.sources.get(key):
                return False
            key = self.sources[key][0]
        return False


def looks_like_ir(path: Path) -> bool:
    """By the first element of an XML file; never by its name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(HEAD).lstrip()
    return head.startswith((b"<?xml", b"<net")) and b"<net " in head and b"<!DOCTYPE" not in head and b"<!ENTITY" not in head


def read(path: Path) -> Model:
    """Parse a graph. Raises SourceError for damage, and for weights that are missing or too short."""
    if path.stat().st_size > LARGEST:
        raise _damaged(path, "its graph is larger than any")
    try:
        text = path.read_text(encoding="utf-8")
        if "<!ENTITY" in text or "<!DOCTYPE" in text:
            raise _damaged(path, "it declares entities")
        root = ElementTree.fromstring(text)
        layers = {_key(e): _layer(e) for e in root.iterfind("layers/layer")}
        model = Model(path, path.with_suffix(".bin"), layers, _sources(root))
        if root.tag != "net" or not layers or not all(s in layers for feeds in model.sources.values() for s in feeds):
            raise _damaged(path, "its edges lead nowhere")
        _weights_must_be_whole(model)
    except (ElementTree.ParseError, UnicodeDecodeError, KeyError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    return model


def facts(model: Model) -> Facts:
    """Inputs and outputs in the file's order, and its layers without the constants."""
    counts = Counter(layer.kind for layer in model.layers.values() if layer.kind not in ("Parameter", "Result", "Const"))
    inputs = tuple(t for layer in model.layers.values() if layer.kind == "Parameter" for t in layer.outputs)
    results = [key for key, layer in model.layers.items() if layer.kind == "Result"]
    fed = [model.layers[model.sources[key][0]] for key in results if model.sources.get(key)]
    heavy = sum(counts[kind] for kind in HEAVY)
    details = {
        "float_layers": list(model.floating()),
        "heavy_layers": heavy,
        "opsets": sorted({layer.opset for layer in model.layers.values()}),
        "float16": any(layer.data.get("element_type") == "f16" for layer in model.layers.values() if layer.kind == "Const"),
        "parameter_bytes": model.weights.stat().st_size,
    }
    return Facts(inputs, tuple(layer.outputs[0] for layer in fed if layer.outputs), dict(counts), details)


def _key(element: ElementTree.Element) -> str:
    return element.attrib["id"]


def _layer(element: ElementTree.Element) -> Layer:
    name, data = element.attrib["name"], element.find("data")
    attributes = dict(data.attrib) if data is not None else {}
    outputs = tuple(_tensor(name, port, attributes) for port in element.iterfind("output/port"))
    return Layer(name, element.attrib["type"], element.attrib.get("version", ""), attributes, outputs)


def _tensor(layer: str, port: ElementTree.Element, data: Mapping[str, str]) -> Tensor:
    """An output; its first name is the one that the user's model gave it."""
    precision = data.get("element_type", port.attrib.get("precision", "f32")).lower()
    aliases = {"fp32": "f32", "fp16": "f16", "fp64": "f64", "bool": "boolean"}
    shape = tuple(int(d.text or 0) if (d.text or "").strip() not in ("", "-1", "?") else None for d in port.iterfind("dim"))
    name = port.attrib.get("names", "").split(",")[0] or layer
    return Tensor(name, shape, DTYPES.get(aliases.get(precision, precision), precision))


def _sources(root: ElementTree.Element) -> dict[str, tuple[str, ...]]:
    feeds: dict[str, list[tuple[int, str]]] = {}
    for edge in root.iterfind("edges/edge"):
        at = edge.attrib
        feeds.setdefault(at["to-layer"], []).append((int(at["to-port"]), at["from-layer"]))
    return {key: tuple(source for _, source in sorted(found)) for key, found in feeds.items()}


def _weights_must_be_whole(model: Model) -> None:
    constants = [layer.data for layer in model.layers.values() if layer.kind == "Const"]
    end = max((int(d["offset"]) + int(d["size"]) for d in constants if "offset" in d), default=0)
    if not model.weights.is_file():
        raise SourceError(
            f"{model.weights.name}, which holds the weights of {model.path.name}, is not beside it",
            where=str(model.path),
            remedy="copy both files together, under one name",
            code="openvino-weights-missing",
        )
    if model.weights.stat().st_size < end:
        raise _damaged(model.weights, f"{end - model.weights.stat().st_size} bytes of weights are missing")


def _damaged(path: Path, how: str) -> SourceError:
    return SourceError(
        f"{path.name} is damaged: {how}",
        where=str(path),
        remedy="convert the model again, or copy both files again",
        code="openvino-damaged",
    )
