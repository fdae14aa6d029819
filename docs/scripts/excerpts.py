"""Puts real output into the pages and makes the pictures of a terminal and a report: `python -m docs.scripts.excerpts`.

A page says which command stands behind an excerpt, in a comment in front of it:

    <!-- excerpt until Findings: edgeroute convert … -->

The commands run in a folder that holds `model.onnx` and `images/`, the demonstration network and its pictures.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from docs.scripts import sample
from docs.scripts.terminal import as_svg
from edgeroute import paths

ROOT = Path(__file__).parents[2]
PATTERN = re.compile(r"<!-- excerpt(?: until (?P<until>[^:]+))?: (?P<command>.+?) -->\n```text\n(?P<text>.*?)```\n", re.DOTALL)
PICTURE = "edgeroute convert model.onnx --to artpec9 --calibrate images/ --scale 1/255 --out model.artpec9.tflite"


@dataclass(frozen=True)
class Excerpt:
    """What a page shows of a command's output."""

    page: Path
    command: str
    until: str
    text: str


def workplace(folder: Path) -> Path:
    """A folder as the pages take it for granted."""
    shutil.copy(ROOT / "examples" / "digits" / "digits.onnx", folder / "model.onnx")
    shutil.copytree(ROOT / "examples" / "digits" / "calibration", folder / "images")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def environ() -> dict[str, str]:
    """With the edgeroute of this interpreter on PATH."""
    return os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])}


def afresh(folder: Path) -> dict[str, str]:
    """With an empty cache in the folder, so that steps take the time that they take; environments stay where they are."""
    return environ() | {"EDGEROUTE_HOME": str(folder / ".edgeroute"), "EDGEROUTE_ENVIRONMENTS": str(paths.environments())}


def texts() -> list[Path]:
    """The pages that hold snippets and excerpts."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "examples" not in p.parts)]


def excerpts() -> list[Excerpt]:
    """Every excerpt of every page."""
    return [
        Excerpt(page, m["command"], m["until"] or "", m["text"])
        for page in texts()
        if page.exists()
        for m in PATTERN.finditer(page.read_text(encoding="utf-8"))
    ]


def output(command: str, until: str, folder: Path) -> str:
    """What a command prints in this folder, up to the line that a heading begins."""
    ran = subprocess.run(shlex.split(command), cwd=folder, env=afresh(folder), capture_output=True, text=True, check=True)
    return _cut(ran.stdout, until).replace(f"{folder}/", "")


def _cut(text: str, until: str) -> str:
    head = re.split(rf"^{re.escape(until)}$", text, maxsplit=1, flags=re.MULTILINE)[0] if until else text
    return head.strip() + "\n"


def in_terminal(command: str, folder: Path) -> str:
    """The same on a terminal, with its colours."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(shlex.split(command), cwd=folder, env=afresh(folder), stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    said = bytearray()
    with contextlib.suppress(OSError):  # how the other end of a terminal says that it is closed
        while piece := os.read(ours, 4096):
            said += piece
    child.wait()
    os.close(ours)
    return said.decode("utf-8", "replace").replace("\r\n", "\n")


def main() -> None:
    """Write every excerpt and the pictures anew."""
    for page in texts():
        if not page.exists() or not PATTERN.search(page.read_text(encoding="utf-8")):
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = workplace(Path(name).resolve())
            text = PATTERN.sub(lambda m, folder=folder: _filled(m, folder), page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = workplace(Path(name).resolve())
        sample.write(folder, afresh(folder), ROOT / "docs" / "pictures")
    with tempfile.TemporaryDirectory() as name:
        folder = workplace(Path(name).resolve())
        shown = in_terminal(PICTURE, folder).replace(f"{folder}/", "")
        shown = re.split(r"^\x1b\[[\d;]+mWhat next", shown, maxsplit=1, flags=re.MULTILINE)[0].rstrip()
        (ROOT / "docs" / "pictures" / "terminal.svg").write_text(as_svg(f"$ {PICTURE}\n{shown}\n"), encoding="utf-8")


def _filled(match: re.Match[str], folder: Path) -> str:
    start, end = match.span("text")
    whole, at = match[0], match.start()
    return whole[: start - at] + output(match["command"], match["until"] or "", folder) + whole[end - at :]


if __name__ == "__main__":
    main()
