"""Picture files → upright uint8 pixels of the wanted size. Needs Pillow."""

from __future__ import annotations

import os
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from edgeroute.errors import UsageError
from edgeroute.types import Preprocess
from edgeroute.verify.pixels import Geometry

Array = Any
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
PADDING = 114
"""The grey that letterboxing fills with, as the YOLO family does."""

UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, Image.DecompressionBombError)
"""What Pillow raises over broken files; `UnidentifiedImageError` is an OSError."""


def find_images(folder: Path) -> list[Path]:
    """All pictures below a folder, in the order of their names; hidden files are left alone."""
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        found += [Path(root) / n for n in sorted(names) if Path(n).suffix.lower() in SUFFIXES and not n.startswith(".")]
    return found


def read(path: Path, place: Geometry, preprocess: Preprocess) -> Array:
    """One picture as uint8 pixels [height, width, channels], upright, resized; three channels are RGB. Raises one of UNREADABLE."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as opened:
            larger = 2 * max(place.height, place.width)
            opened.draft(None, (larger, larger))
            upright = ImageOps.exif_transpose(opened)
            picture = _eight_bits(upright).convert("L" if place.channels == 1 or preprocess.color == "grey" else "RGB")
    resized = _resize(picture, (place.width, place.height), preprocess.resize)
    pixels = np.asarray(resized, dtype=np.uint8).reshape(place.height, place.width, -1)
    return np.ascontiguousarray(np.broadcast_to(pixels, (place.height, place.width, place.channels)))


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Sixteen-bit greys as eight bits: Pillow's own conversion would clip them to white."""
    if picture.mode.startswith("I"):
        return Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    return picture


def _resize(picture: Image.Image, size: tuple[int, int], how: str) -> Image.Image:
    bilinear = Image.Resampling.BILINEAR
    if how == "crop":
        return ImageOps.fit(picture, size, bilinear)
    if how == "letterbox":
        grey = PADDING if picture.mode == "L" else (PADDING,) * 3
        return ImageOps.pad(picture, size, bilinear, color=grey)
    if how == "stretch":
        return picture.resize(size, bilinear)
    raise UsageError(f"unknown resize {how!r}", remedy="give --resize stretch, crop or letterbox")
