"""Where samples come from: a folder of pictures, arrays, or a seeded generator; one row of every input at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgeroute.errors import UsageError
from edgeroute.types import Finding, Preprocess, Severity, Tensor
from edgeroute.verify import arrays, border, pixels
from edgeroute.verify.made_up import Random, Sample

Array = Any


class Source(Protocol):
    """Samples in a mixed but repeatable order, so that the ones at the end stand for all."""

    findings: list[Finding]

    def samples(self, limit: int) -> Iterator[Sample]:
        """At most `limit` samples, made one by one."""


def open_source(source: str, inputs: Sequence[Tensor], preprocess: Preprocess, scratch: Path, seed: int) -> Source:
    """Choose by what the path is; empty means random data. Raises UsageError when nothing usable is there."""
    path = Path(source)
    if not source:
        return Random(inputs, preprocess, seed)
    if path.is_dir():
        return Pictures(path, _only_picture(inputs, path), preprocess, seed)
    if not path.is_file():
        raise UsageError(
            "the calibration data does not exist", where=source, remedy="give --calibrate a folder of pictures, an .npz or an .npy file"
        )
    if path.suffix.lower() == ".npz":
        return Arrays(arrays.open_npz(path, scratch), inputs, path, seed)
    if path.suffix.lower() == ".npy":
        if len(inputs) > 1:
            raise UsageError(_several(inputs), where=path.name, remedy=_npz(inputs))
        return Arrays({inputs[0].name: arrays.open_npy(path, scratch)}, inputs, path, seed)
    raise UsageError(
        f"calibration data of kind {path.suffix!r} is not known",
        where=path.name,
        remedy="give a folder of pictures, an .npz or an .npy file",
    )


def row_shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape of one sample: the input's without a leading axis of 1."""
    shape = tuple(int(d or 0) for d in tensor.shape)
    return shape[1:] if shape and shape[0] == 1 else shape


@dataclass
class Pictures:
    """Pictures below a folder, each decoded when its turn comes; broken ones are named and passed over."""

    folder: Path
    tensor: Tensor
    preprocess: Preprocess
    seed: int
    findings: list[Finding] = field(default_factory=list)

    def samples(self, limit: int) -> Iterator[Sample]:
        from edgeroute.verify import images

        place = _place(self.tensor)
        files = images.find_images(self.folder)
        if not files:
            raise UsageError(
                _no_pictures(self.folder), where=str(self.folder), remedy="put .jpg, .png or .bmp files into it, or give an .npz of arrays"
            )
        random.Random(self.seed).shuffle(files)
        made = 0
        for file in files:
            try:
                picture = images.read(file, place, self.preprocess)
            except images.UNREADABLE as error:
                self.findings.append(_unreadable(file.relative_to(self.folder), error))
                continue
            yield Sample(str(file.relative_to(self.folder)), [pixels.normalize(picture, place, self.preprocess, self.tensor)], picture)
            made += 1
            if made == limit:
                return
        if not made:
            bad = self.findings[0]
            raise UsageError(
                f"none of the {len(files)} pictures can be read; the first: {bad.message}",
                where=bad.where,
                remedy="give pictures that open in a viewer",
            )


@dataclass
class Arrays:
    """Arrays as the model takes them: preprocessed, in its own layout, samples on axis 0."""

    readers: dict[str, arrays.RowReader]
    inputs: Sequence[Tensor]
    path: Path
    seed: int
    findings: list[Finding] = field(default_factory=list)

    def samples(self, limit: int) -> Iterator[Sample]:
        names = match_names(tuple(self.readers), [t.name for t in self.inputs], self.path)
        readers = [self.readers[n] for n in names]
        shared = [_is_shared(r, t) for r, t in zip(readers, self.inputs, strict=True)]
        counts = {r.count for r, one in zip(readers, shared, strict=True) if not one} or {1}
        if len(counts) > 1:
            text = ", ".join(f"{n}: {r.count}" for n, r in zip(names, readers, strict=True))
            raise UsageError(
                f"the arrays hold different numbers of samples ({text})",
                where=self.path.name,
                remedy="give every array the same first axis",
            )
        for reader, tensor, one in zip(readers, self.inputs, shared, strict=True):
            _check_array(reader, tensor, one, self.path)
        order = list(range(counts.pop()))
        if not order:
            raise UsageError("the arrays hold no samples", where=self.path.name, remedy="put at least one sample on the first axis")
        random.Random(self.seed).shuffle(order)
        for index in order[:limit]:
            rows = [r.whole() if one else r.row(index) for r, one in zip(readers, shared, strict=True)]
            yield Sample(f"sample {index}", [_finite(v, t, index, self.path) for v, t in zip(rows, self.inputs, strict=True)])


def match_names(given: tuple[str, ...], wanted: list[str], path: Path) -> list[str]:
    """For every input the key of its array: its own name, or the only (NumPy's unnamed `arr_0`, …) one in its place."""
    if all(w in given for w in wanted):
        return wanted
    unnamed = all(g.startswith("arr_") for g in given) or len(wanted) == 1
    if len(given) == len(wanted) and unnamed:
        return sorted(given)
    missing = ", ".join(w for w in wanted if w not in given)
    keys = f"numpy.savez('{path.stem}.npz', **{{{', '.join(f'{w!r}: …' for w in wanted)}}})"
    raise UsageError(
        f"no array for the input(s) {missing}; the archive holds {', '.join(given) or 'nothing'}",
        where=path.name,
        remedy=f"name the arrays after the inputs: {keys}",
    )


def settled(preprocess: Preprocess, inputs: Sequence[Tensor], pictures: bool) -> tuple[Preprocess, list[Finding]]:
    """Preprocessing that nobody stated is taken to be pixels of 0..1, and said so; arrays are never touched."""
    if preprocess.known or not any(t.dtype.startswith("float") and pixels.geometry(t) for t in inputs):
        return preprocess, []
    found = Finding(
        "preprocess-unknown",
        Severity.WARNING,
        "nobody said what the application does to a picture, so pixels of 0..1 in RGB order are taken",
        "say it: --preprocess imagenet, -1..1, 0..1 or 0..255, or --mean, --std, --scale and --color",
    )
    return replace(preprocess, scale=1 / 255), [found] if pictures else []


def _only_picture(inputs: Sequence[Tensor], path: Path) -> Tensor:
    if len(inputs) != 1:
        raise UsageError(_several(inputs), where=str(path), remedy=_npz(inputs))
    _place(inputs[0])
    return inputs[0]


def _place(tensor: Tensor) -> pixels.Geometry:
    place = pixels.geometry(tensor)
    if place is None:
        message = f"the input {tensor.name} is {arrays.describe(tensor.shape, tensor.dtype)}, which is no picture of one or three channels"
        raise UsageError(
            message, where=tensor.name, remedy="give the samples as arrays instead: --calibrate samples.npy, the first axis counts samples"
        )
    return place


def _several(inputs: Sequence[Tensor]) -> str:
    return f"the model has {len(inputs)} inputs ({', '.join(t.name for t in inputs)}), and the calibration data serves only one"


def _npz(inputs: Sequence[Tensor]) -> str:
    lines = ", ".join(f"{t.name!r}: {arrays.describe(('N', *row_shape(t)), t.dtype)}" for t in inputs)  # type: ignore[arg-type]
    return f"write one archive with an array per input, numpy.savez(path, **arrays), of {lines}"


def _no_pictures(folder: Path) -> str:
    others = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in (".npy", ".npz"))
    return f"the folder holds no pictures, but {others[0]}: give --calibrate that file itself" if others else "the folder holds no pictures"


def _unreadable(file: Path, error: Exception) -> Finding:
    return Finding(
        "calibration-unreadable",
        Severity.WARNING,
        f"{file.as_posix()} cannot be read as a picture: {error}",
        "remove or replace the file",
        where=file.as_posix(),
    )


def _is_shared(reader: arrays.RowReader, tensor: Tensor) -> bool:
    """An array of exactly an input's shape, where that shape has no batch axis, serves all samples alike."""
    shape = tuple(tensor.shape)
    return reader.shape == shape and (not shape or shape[0] != 1)


def _check_array(reader: arrays.RowReader, tensor: Tensor, shared: bool, path: Path) -> None:
    expected = row_shape(tensor)
    got, dtype = reader.shape[1:], np.dtype(reader.dtype)
    if not shared and got not in (expected, tuple(tensor.shape)):
        message = f"the array for {tensor.name} holds samples of {list(got)}, expected {list(expected)} (as {arrays.describe(tensor.shape, tensor.dtype)})"
        raise UsageError(message, where=path.name, remedy=_shape_remedy(got, expected))
    wanted = np.dtype(tensor.dtype)
    if dtype.kind != wanted.kind and not (dtype.kind in "iu" and wanted.kind in "iu"):
        remedy = (
            f"save it as {wanted}, already preprocessed as the model expects it; pictures as bytes belong in a folder: --calibrate images/"
        )
        raise UsageError(f"the array for {tensor.name} is {dtype}, expected {wanted}", where=path.name, remedy=remedy)


def _shape_remedy(got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if sorted(got) == sorted(expected) and len(got) == 3:
        axes = "0, 3, 1, 2" if expected == (got[2], got[0], got[1]) else "0, 2, 3, 1"
        return f"the axes stand in another order: save array.transpose({axes})"
    return f"save an array of shape [N, {', '.join(map(str, expected))}], or set another shape with --input-shape"


def _finite(values: Array, tensor: Tensor, index: int, path: Path) -> Array:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise UsageError(
            f"sample {index} of {tensor.name} holds NaN or infinity",
            where=path.name,
            remedy="leave such samples out: array[numpy.isfinite(array).all(axis=(1, 2, 3))]",
        )
    return border.to_dtype(values, replace(tensor, scale=())).reshape(tuple(int(d or 0) for d in tensor.shape))
