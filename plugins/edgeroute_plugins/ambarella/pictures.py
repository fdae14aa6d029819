"""Calibration data as the toolchain wants it: planar RGB bytes (or pictures that it makes them of), and the list of the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.errors import ConverterFailed
from edgeroute.types import Calibration, Tensor
from edgeroute_plugins.ambarella.feeds import Feed, border
from edgeroute_plugins.ambarella.options import Options
from edgeroute_plugins.feeding import Slot, samples

Array = Any
OUTSIDE = 2.0
"""Levels by which a sample may leave 0..255 before the preprocessing is taken to be another."""


def write_calibration(folder: Path, inputs: Sequence[Tensor], feeds: Sequence[Feed], options: Options) -> dict[str, int]:
    """Write every sample of every input; answers how many there are of each kind.

    Raises ConverterFailed where there are none, or where the samples are no pictures under the stated preprocessing.
    """
    calibration = _required(options)
    slots = [Slot(t.name, tuple(int(d or 1) for d in t.shape), "float32") for t in inputs]
    count = 0
    for feed in feeds:
        (folder / (feed.images if _as_images(feed, options) else feed.folder)).mkdir(parents=True, exist_ok=True)
    for count, row in enumerate(samples(calibration, slots, options.images), 1):
        for feed, sample in zip(feeds, row, strict=True):
            _write(folder, feed, sample, count - 1, options)
    if not count:
        raise _unusable("there is not one calibration sample")
    for feed in feeds:
        if not _as_images(feed, options):
            names = sorted(p.name for p in (folder / feed.folder).glob("*.bin"))
            (folder / feed.listing).write_text("".join(f"{feed.folder}/{name}\n" for name in names), encoding="utf-8")
    return {"samples": count, "pictures": sum(f.picture for f in feeds)}


def check_binaries(folder: Path, feeds: Sequence[Feed]) -> None:
    """Rule CV-008: every entry of a list has exactly the input's size."""
    for feed in feeds:
        listed = (folder / feed.listing).read_text(encoding="utf-8").split() if (folder / feed.listing).is_file() else []
        files = [p if (p := folder / entry).is_file() else folder / feed.folder / Path(entry).name for entry in listed]
        wrong = [f.name for f in files if not f.is_file() or f.stat().st_size != feed.sample_bytes]
        if wrong or not listed:
            raise _unusable(f"{len(wrong) or 'all'} of the binaries for {feed.name} have not {feed.sample_bytes} bytes", "CV-008")


def planar_pixels(sample: Array, feed: Feed, options: Options) -> Array:
    """uint8 [3, H, W] that the chip would be fed, from what the network takes: the inverse of the preprocessing, rounded."""
    planes = sample[0] if sample.shape[1] == 3 else sample[0].transpose(2, 0, 1)
    low, high = (np.array(v, np.float64).reshape(-1, 1, 1) for v in border(options))
    levels = (planes.astype(np.float64) - low) * (255.0 / (high - low))
    worst = max(float(levels.max()) - 255.0, -float(levels.min()))
    if worst > OUTSIDE:
        raise _unusable(f"under the stated preprocessing the samples leave 0..255 by {worst:.0f} levels: they are no pictures")
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _as_images(feed: Feed, options: Options) -> bool:
    return feed.picture and options.calibration_files == "images"


def _required(options: Options) -> Calibration:
    if options.calibration is None:
        raise _unusable("no calibration samples were given")
    return options.calibration


def _write(folder: Path, feed: Feed, sample: Array, number: int, options: Options) -> None:
    if not feed.picture:
        (folder / feed.folder / f"{number:04d}.bin").write_bytes(np.ascontiguousarray(sample, dtype="<f4").tobytes())
        return
    planes = planar_pixels(sample, feed, options)
    if _as_images(feed, options):
        from PIL import Image

        picture = Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)), "RGB")
        picture.save(folder / feed.images / f"{number:04d}.jpg", quality=100, subsampling=0)
    else:
        (folder / feed.folder / f"{number:04d}.bin").write_bytes(planes.tobytes())


def _unusable(what: str, code: str = "ambarella-calibration") -> ConverterFailed:
    return ConverterFailed(
        f"the calibration data cannot be used: {what}",
        remedy="give a folder with pictures and say how the network was trained: --calibrate FOLDER --preprocess 0..1 (or -1..1, imagenet, a file)",
        code=code,
    )
