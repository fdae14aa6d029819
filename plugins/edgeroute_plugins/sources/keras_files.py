"""Keras files: `.keras` archives, and HDF5 files whose model description is found as text (the format itself is not parsed)."""

from __future__ import annotations

import json
import mmap
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Finding, Json, Recognition, Severity, Tensor
from edgeroute_plugins.layout import guess_layout
from edgeroute_plugins.sources.archives import MOST_BYTES, Archive

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
KERAS_MEMBERS = frozenset({"metadata.json", "config.json", "model.weights.h5"})
DEEPEST = 8
CONFIG = re.compile(rb'\{"(?:module": "[^"]{1,200}", ")?class_name": "(?:Sequential|Functional|Model|[A-Z]\w{0,100})", "config": [\[{]')
"""How Keras writes a model's description into an HDF5 attribute."""
SHAPE_KEYS = ("batch_shape", "batch_input_shape")


def recognize_keras(archive: Archive) -> Recognition | None:
    """A Keras 3 archive (tf-keras writes them too); None if it is none."""
    if not archive.sizes.keys() >= KERAS_MEMBERS:
        return None
    config, metadata = (_json(archive, name) for name in ("config.json", "metadata.json"))
    facts = _facts(config, sum(archive.sizes.values()))
    version = metadata.get("keras_version", "") if isinstance(metadata, dict) else ""
    return Recognition("keras", Facts(facts.inputs, (), facts.operators, {**facts.details, "keras_version": version}, facts.findings))


def recognize_h5(path: Path) -> Recognition:
    """An HDF5 file: a whole model where a description is inside, weights otherwise."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        config = _find_config(content)
    if config is None:
        return Recognition("keras-h5", Facts(details={"bytes": path.stat().st_size, "holds": "weights"}, findings=(_weights_only(path),)))
    return Recognition("keras-h5", _facts(config, path.stat().st_size))


def _weights_only(path: Path) -> Finding:
    return Finding(
        "keras-weights-only",
        Severity.ERROR,
        f"{path.name} holds weights without the model's description",
        "save the whole model: model.save('model.keras')",
        where=path.name,
    )


def _find_config(content: mmap.mmap) -> Any:
    """The first complete description with layers (an optimizer's looks alike); None where there is none."""
    for found in CONFIG.finditer(content):
        text = content[found.start() : found.start() + MOST_BYTES].split(b"\0", 1)[0].decode("utf-8", "replace")
        try:
            config, _ = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            continue
        body = config.get("config")
        if isinstance(body, list) or "layers" in body:
            return config
    return None


def _json(archive: Archive, name: str) -> Any:
    try:
        return json.loads(archive.read(name))
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{archive.path.name} is a Keras archive whose {name} cannot be read: {error}",
            where=f"{archive.path}:{name}",
            remedy="save the model again: model.save('model.keras')",
            code="keras-damaged",
        ) from error


def _facts(config: Any, size: int) -> Facts:
    """Inputs by name and shape, layers by class; outputs have no shape in a description."""
    body = config.get("config") if isinstance(config, dict) else None
    layers = _layers(config, 0)
    inputs = _ordered(_inputs(layers) or _built(config), _names(body, "input_layers"))
    classes = Counter(str(layer.get("class_name", "")) for layer in layers)
    details: dict[str, Json] = {
        "bytes": size,
        "holds": "model",
        "model_class": str(config.get("class_name", "")) if isinstance(config, dict) else "",
        "output_layers": _names(body, "output_layers"),
        "lambda_layers": classes.get("Lambda", 0),
        "data_format": sorted({f for layer in layers if (f := _config(layer).get("data_format")) in ("channels_first", "channels_last")}),
        "registered": sorted({r for layer in layers if isinstance(r := layer.get("registered_name"), str) and ">" in r}),
        "dynamic_dims": [t.name for t in inputs if not t.is_static],
    }
    return Facts(inputs, (), dict(classes.most_common()), details)


def _config(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    found = layer.get("config")
    return found if isinstance(found, dict) else {}


def _layers(config: Any, depth: int) -> list[Mapping[str, Any]]:
    """All layers, nested models unfolded; InputLayers of the nested ones left out."""
    body = config.get("config") if isinstance(config, dict) else None
    listed = body.get("layers") if isinstance(body, dict) else body
    found: list[Mapping[str, Any]] = []
    for layer in listed if isinstance(listed, list) else []:
        if not isinstance(layer, dict) or (depth and layer.get("class_name") == "InputLayer"):
            continue
        inner = _layers(layer, depth + 1) if depth < DEEPEST else []
        found += inner or [layer]
    return found


def _inputs(layers: Sequence[Mapping[str, Any]]) -> list[Tensor]:
    """The input layers; in models of Keras 2, a first layer that states its input's shape."""
    named = [_input(layer) for layer in layers if layer.get("class_name") == "InputLayer"]
    given = named or [_input(layer) for layer in layers[:1]]
    return [tensor for tensor in given if tensor is not None]


def _built(config: Any) -> list[Tensor]:
    """What the model was built with, where no layer says it."""
    build = config.get("build_config") if isinstance(config, dict) else None
    shape = build.get("input_shape") if isinstance(build, dict) else None
    tensor = _tensor("input", shape, "float32")
    return [tensor] if tensor else []


def _input(layer: Mapping[str, Any]) -> Tensor | None:
    config = _config(layer)
    shape = next((config[key] for key in SHAPE_KEYS if key in config), None)
    dtype = config.get("dtype")
    return _tensor(str(config.get("name", "input")), shape, dtype if isinstance(dtype, str) else "float32")


def _tensor(name: str, shape: Any, dtype: str) -> Tensor | None:
    if not isinstance(shape, list) or not all(size is None or isinstance(size, int) for size in shape):
        return None
    sizes = tuple(shape)
    return Tensor(name, sizes, dtype, guess_layout(sizes))


def _names(body: Any, key: str) -> list[str]:
    """Layer names from `["a", 0, 0]`, `[["a", 0, 0], …]` or `{"a": ["a", 0, 0], …}`."""
    found = body.get(key) if isinstance(body, dict) else None
    entries = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(entries, list) or not entries:
        return []
    if isinstance(entries[0], str):
        return [entries[0]]
    return [str(entry[0]) for entry in entries if isinstance(entry, list) and entry]


def _ordered(inputs: list[Tensor], names: Sequence[str]) -> tuple[Tensor, ...]:
    rank = {name: position for position, name in enumerate(names)}
    return tuple(sorted(inputs, key=lambda tensor: rank.get(tensor.name, len(rank))))
