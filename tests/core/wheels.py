"""Wheels made by hand, and a stand-in for uv that installs them, so that environments are built without a network."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

UV = """#!{python}
import os, pathlib, subprocess, sys, time, urllib.parse, zipfile
here = pathlib.Path(__file__).parent
with (here / "calls.txt").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
time.sleep(float((here / "delay.txt").read_text()) if (here / "delay.txt").exists() else 0)
if (here / "broken.txt").exists():
    sys.exit("error: " + (here / "broken.txt").read_text())
if sys.argv[1] == "venv":
    python = sys.argv[sys.argv.index("--python") + 1]
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", sys.argv[-1]], check=True)
else:
    folder = pathlib.Path(sys.argv[sys.argv.index("--python") + 1]).parent.parent
    for wheel in (a for a in sys.argv if a.endswith(".whl")):
        path = urllib.parse.unquote(wheel.partition("file://")[2] or wheel)
        zipfile.ZipFile(path).extractall(next(folder.glob("lib/python*/site-packages")))
    print("Installed 1 package in 1ms")
"""


def make_wheel(folder: Path, name: str, version: str, requires: Sequence[str] = ()) -> Path:
    """A wheel of one module, `<name>.py`, which knows its version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {r}\n" for r in requires)
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(file, text)
    return path


def pin(wheel: Path) -> str:
    """A requirement that needs no index."""
    return f"{wheel.name.partition('-')[0]} @ {wheel.as_uri()}"


def fake_uv(folder: Path) -> Path:
    """An executable `uv` that makes a virtual environment in a tenth of a second and unpacks wheels into it."""
    folder.mkdir(parents=True, exist_ok=True)
    uv = folder / "uv"
    uv.write_text(UV.format(python=sys.executable))
    uv.chmod(0o755)
    return uv


def calls(uv: Path) -> list[str]:
    """What the stand-in was asked to do."""
    file = uv.parent / "calls.txt"
    return file.read_text().splitlines() if file.exists() else []
