"""Arrays on disk, row by row: memory does not grow with the number of samples. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from edgeroute.errors import UsageError
from edgeroute.types import Json

Array = Any
HEADER_BYTES = 256
CHUNK_BYTES = 1 << 22


class RowWriter:
    """Appends rows of one shape and dtype to a `.npy` file whose header is completed on leaving."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str) -> None:
        self.path = path
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.count = 0
        self._file: BinaryIO = path.open("wb")

    def append(self, row: Array) -> None:
        row = np.ascontiguousarray(row, dtype=self.dtype)
        if self.count == 0:
            self._file.write(bytes(HEADER_BYTES))
        if row.size != np.prod(self.shape, dtype=np.int64):
            raise ValueError(f"a row of {row.shape} among rows of {self.shape}")
        self._file.write(row.reshape(-1).view(np.uint8))
        self.count += 1

    def close(self) -> None:
        """Write the header, now that the number of rows is known (format version 1.0 of `numpy.lib.format`)."""
        text = repr({"descr": self.dtype.str, "fortran_order": False, "shape": (self.count, *self.shape)})
        body = text.ljust(HEADER_BYTES - 11) + "\n"
        self._file.seek(0)
        self._file.write(b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body.encode("latin1"))
        self._file.close()

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True)
class RowReader:
    """Reads single rows of a `.npy` file by seeking, so that no page of it stays mapped."""

    path: Path
    shape: tuple[int, ...]
    """The whole array's."""
    dtype: Any
    offset: int

    @property
    def count(self) -> int:
        return self.shape[0] if self.shape else 1

    def row(self, index: int) -> Array:
        """One entry of the first axis, in memory."""
        return self._read(self.shape[1:], index)

    def whole(self) -> Array:
        """The whole array, in memory."""
        return self._read(self.shape, 0)

    def _read(self, shape: tuple[int, ...], index: int) -> Array:
        size = int(np.prod(shape, dtype=np.int64))
        start = self.offset + index * size * self.dtype.itemsize
        with self.path.open("rb") as file:
            file.seek(start)
            return np.fromfile(file, dtype=self.dtype, count=size).reshape(shape)


def open_npy(path: Path, scratch: Path) -> RowReader:
    """Open a `.npy` file; one in Fortran order is first rewritten row-major into `scratch`."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
            offset = file.tell()
    except (OSError, ValueError) as error:
        raise UsageError(f"not a readable .npy array: {error}", where=path.name, remedy="write it with numpy.save(path, array)") from error
    if dtype.hasobject:
        raise UsageError(
            "the array holds Python objects, which edgeroute never unpickles",
            where=path.name,
            remedy="save it with a plain dtype such as float32",
        )
    if path.stat().st_size < offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise UsageError("the array's file is truncated", where=path.name, remedy="write it again with numpy.save")
    if fortran and len(shape) > 1:
        source = np.load(path, mmap_mode="r", allow_pickle=False)
        return open_npy(_row_major(source, scratch / f"{path.stem}.rows.npy"), scratch)
    return RowReader(path, tuple(shape), dtype, offset)


def open_npz(path: Path, scratch: Path) -> dict[str, RowReader]:
    """Unpack an `.npz` archive's arrays into `scratch`, streaming, and open each of them."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith(".npy")]
            return {
                name.removesuffix(".npy"): open_npy(_unpack(archive, name, scratch / f"{i}.npy"), scratch) for i, name in enumerate(names)
            }
    except (OSError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"not a readable .npz archive: {error}", where=path.name, remedy="write it with numpy.savez(path, name=array)"
        ) from error


def digest(path: Path, names: tuple[str, ...]) -> str:
    """SHA-256 over the inputs' names and the files `<i>.npy`, headers (dtype, shape) included."""
    sha = hashlib.sha256()
    for index, name in enumerate(names):
        sha.update(name.encode() + b"\0")
        for chunk in _chunks(path / f"{index}.npy"):
            sha.update(chunk)
    return sha.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _unpack(archive: zipfile.ZipFile, name: str, path: Path) -> Path:
    with archive.open(name) as source, path.open("wb") as out:
        shutil.copyfileobj(source, out, CHUNK_BYTES)
    return path


def _row_major(source: Array, path: Path) -> Path:
    with RowWriter(path, source.shape[1:], source.dtype.str) as out:
        for row in source:
            out.append(row)
    return path


def describe(shape: tuple[int | None, ...], dtype: Json) -> str:
    """`float32[1,3,320,320]`."""
    return f"{dtype}[{','.join('?' if d is None else str(d) for d in shape)}]"
