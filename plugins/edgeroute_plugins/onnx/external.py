"""Weights that an ONNX file keeps in other files: they must exist, hold enough bytes, and stand inside the model's folder."""

from __future__ import annotations

import stat
from pathlib import Path, PureWindowsPath

from edgeroute.errors import SourceError
from edgeroute_plugins.onnx.proto import Initializer, Model


def external_files(path: Path, model: Model) -> tuple[Path, ...]:
    """The files that hold the weights of the model at `path`, checked; `SourceError` on one that is missing, short or outside."""
    needed: dict[str, tuple[int, str]] = {}
    for tensor in model.tensors():
        if tensor.is_external:
            end = tensor.offset + (tensor.length or 0)
            needed[tensor.location] = max(needed.get(tensor.location, (0, "")), (end, tensor.name))
    return tuple(sorted({_checked(path, location, end, tensor) for location, (end, tensor) in needed.items()}))


def external_bytes(tensor: Initializer) -> int:
    return tensor.length or 0 if tensor.is_external else 0


def _checked(path: Path, location: str, end: int, tensor: str) -> Path:
    folder = path.parent
    if not location or "\0" in location or Path(location).is_absolute() or PureWindowsPath(location).drive or "\\" in location:
        raise _hostile(path, location, tensor)
    file = folder / location
    try:
        inside = file.resolve().is_relative_to(folder.resolve())
        status = file.stat() if inside else None
    except FileNotFoundError as error:
        raise _missing(path, location, tensor) from error
    except (OSError, RuntimeError) as error:
        raise _hostile(path, location, tensor) from error
    if status is None or not stat.S_ISREG(status.st_mode):
        raise _hostile(path, location, tensor)
    if status.st_size < end:
        raise SourceError(
            f"{location} is too short: {tensor} needs {end} bytes, the file has {status.st_size}",
            where=str(path),
            remedy="copy or download the file of weights again, completely",
            code="onnx-external-data-short",
        )
    return folder / Path(location)


def _missing(path: Path, location: str, tensor: str) -> SourceError:
    return SourceError(
        f"the weights of {path.name} are missing: {location} (needed by {tensor})",
        where=str(path),
        remedy=f"put {location} next to {path.name}, or export one single file (external_data=False)",
        code="onnx-external-data-missing",
    )


def _hostile(path: Path, location: str, tensor: str) -> SourceError:
    return SourceError(
        f"{path.name} takes the weights of {tensor} from {location[:200]!r}, which is not a file inside its own folder",
        where=str(path),
        remedy="if you trust the file, copy the weights into its folder (no links) and save the model with that name in it",
        code="onnx-external-data-outside",
    )
