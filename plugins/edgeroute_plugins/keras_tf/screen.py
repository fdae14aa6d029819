"""Whether a Keras file only computes: its configuration, read as text before anything is built from it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HDF5 = b"\x89HDF\r\n\x1a\n"
LARGEST_JSON = 64 << 20
CODE_LAYERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__", "__marshal__"}
"""Layers whose configuration carries code, or the path of a file that does."""
PACKAGES = ("keras", "tf_keras", "builtins", "keras_core", "tensorflow.keras", "tensorflow.python.keras")


def screen(path: Path) -> list[str]:
    """Why loading may run code from the file; empty when its layers are all Keras' own. Raises ValueError on a damaged file."""
    return list(dict.fromkeys(walk(configuration(path))))


def configuration(path: Path) -> Any:
    """The model's configuration from a `.keras` archive or an HDF5 file; None where the file holds weights alone."""
    with path.open("rb") as file:
        is_hdf5 = file.read(8) == HDF5
    return hdf5_configuration(path) if is_hdf5 else archive_configuration(path)


def archive_configuration(path: Path) -> Any:
    """`config.json` of a `.keras` archive. Raises ValueError where there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > LARGEST_JSON:
                raise ValueError("config.json is larger than any real one")
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"not a Keras archive: {error}") from error


def hdf5_configuration(path: Path) -> Any:
    """The attribute `model_config` of an HDF5 file, or None. Raises ValueError where HDF5 cannot read it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
    except OSError as error:
        raise ValueError(f"not an HDF5 file: {error}") from error
    return None if text is None else json.loads(text.decode() if isinstance(text, bytes) else text)


def walk(value: Any) -> Iterator[str]:
    """Layers that carry code, and classes from packages that are not Keras."""
    if isinstance(value, dict):
        kind, module = value.get("class_name"), value.get("module")
        if kind in CODE_LAYERS:
            yield f"layer {kind} ({layer_name(value)})"
        if "class_name" in value and isinstance(module, str) and not is_keras(module):
            yield f"class {module}.{kind}"
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def layer_name(value: dict[str, Any]) -> str:
    """Name of a layer, for the message."""
    config = value.get("config")
    return str(config.get("name", "unnamed")) if isinstance(config, dict) else "unnamed"


def is_keras(module: str) -> bool:
    """Whether a module belongs to Keras or to Python itself."""
    return any(module == p or module.startswith(p + ".") for p in PACKAGES)
