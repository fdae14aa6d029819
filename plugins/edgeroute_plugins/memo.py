"""What a step worked out and another step of the same tool can use: arrays in the folder that edgeroute fills in as `memo`. Needs numpy.

A quantizer's calibration is the same for every granularity, target and candidate of a search. Names are digests of all that decides
the arrays; the tool's version and the plugin's code decide the folder. A file that cannot be read or written is worked out again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from edgeroute.types import Calibration

Arrays = Mapping[str, Any]


def remembered(folder: Path | None, name: str, work: Callable[[], Arrays]) -> Arrays:
    """The arrays of this name, from an earlier run where one left them; safe for several processes at once."""
    if folder is None:
        return work()
    place = folder / f"{name}.npz"
    with contextlib.suppress(OSError, ValueError, EOFError, BadZipFile):
        return _read(place)
    arrays = work()
    with contextlib.suppress(OSError):
        _write(place, arrays)
    return arrays


def name_of(blob: bytes, calibration: Calibration | None, *further: object) -> str:
    """The name of what follows from a model, its samples, and whatever else decides it."""
    samples = (calibration.sha256, calibration.usable) if calibration is not None else ()
    return hashlib.sha256(hashlib.sha256(blob).digest() + repr((*samples, *further)).encode()).hexdigest()[:32]


def _read(place: Path) -> Arrays:
    import numpy as np

    with place.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}


def _write(place: Path, arrays: Arrays) -> None:
    import numpy as np

    number, part = tempfile.mkstemp(dir=place.parent, prefix=f"{place.stem}.")
    try:
        with os.fdopen(number, "wb") as file:
            np.savez_compressed(file, **arrays)
        Path(part).replace(place)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
