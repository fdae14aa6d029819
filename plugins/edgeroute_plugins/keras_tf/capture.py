"""Live Keras models to files, in the caller's own interpreter: Keras is there already, or the object would not be."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any


def is_keras(obj: object) -> bool:
    """Whether it is a Keras model (3, or tf-keras), told by the names of its classes, so that Keras need not be imported."""
    return any(c.__name__ == "Model" and c.__module__.split(".")[0] in ("keras", "tf_keras") for c in type(obj).__mro__)


def capture(obj: Any, folder: Path) -> Path:
    """Write a live model: Keras 3 as `model.keras`, tf-keras as `model.h5` (its own `.keras` differs from Keras 3's)."""
    old = any(c.__module__.split(".")[0] == "tf_keras" for c in type(obj).__mro__)
    path = folder / ("model.h5" if old else "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        obj.save(str(path))
    return path
