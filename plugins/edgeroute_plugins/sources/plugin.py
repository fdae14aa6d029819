"""The kinds of source files that converters of other plugins take, told apart by content; and Ambarella's compiled models."""

from __future__ import annotations

from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute.hookspecs import hookimpl
from edgeroute.types import Format, Recognition


@hookimpl
def edgeroute_formats() -> list[Format]:
    return [
        Format("keras", "Keras archive", ".keras"),
        Format("keras-h5", "Keras HDF5", ".h5"),
        Format("savedmodel", "TensorFlow SavedModel", ""),
        Format("graphdef", "TensorFlow frozen graph", ".pb"),
        Format("torch-exported", "PyTorch exported program", ".pt2"),
        Format("torchscript", "TorchScript", ".pt"),
        Format("torch-state", "PyTorch state dictionary or checkpoint", ".pt"),
        Format("torch-module", "PyTorch pickled module", ".pt"),
        Format("safetensors", "safetensors weights", ".safetensors"),
        Format("cavalry-cv25", "Ambarella CV25 binary", ".bin", precision="opaque", static=True),
        Format("cavalry-cv75", "Ambarella CV75 binary", ".bin", precision="opaque", static=True),
    ]


@hookimpl
def edgeroute_recognize(path: Path) -> Recognition | None:
    """By content, in an order in which no kind is taken for another; nothing is extracted, unpickled or run."""
    from edgeroute_plugins.sources import flat_files, keras_files, tensorflow_files, torch_files
    from edgeroute_plugins.sources.archives import MAGIC

    if path.is_dir():
        return tensorflow_files.recognize_savedmodel(path)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"TFL3":
        return None
    if head.startswith(keras_files.HDF5_MAGIC):
        return keras_files.recognize_h5(path)
    if head.startswith(MAGIC):
        return _recognize_zip(path)
    if head.startswith(torch_files.LEGACY_MAGIC):
        return torch_files.recognize_legacy(path)
    if flat_files.looks_like_safetensors(head, path.stat().st_size):
        return flat_files.recognize_safetensors(path)
    if head[:1] == b"\x0a":
        return tensorflow_files.recognize_graphdef(path)
    if path.name == "saved_model.pb":
        raise _inside_savedmodel(path)
    return flat_files.recognize_cavalry(path, head)


def _recognize_zip(path: Path) -> Recognition | None:
    from edgeroute_plugins.sources import archives, keras_files, torch_files

    archive = archives.open_archive(path)
    return keras_files.recognize_keras(archive) or torch_files.recognize_zip(archive)


def _inside_savedmodel(path: Path) -> SourceError:
    return SourceError(
        "saved_model.pb is only the graph of a SavedModel; its weights stand beside it",
        where=str(path),
        remedy=f"give the folder: {path.parent}",
        code="savedmodel-inside",
    )
