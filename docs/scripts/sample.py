"""The sample report that the pages show, and its picture: a real conversion of the digits for ARTPEC-8."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from edgeroute import paths

COMMAND = "edgeroute convert model.onnx --to artpec8 --calibrate images/ --scale 1/255 --attribution --out model.artpec8.tflite"
PAGE, PICTURE = "digits.artpec8.html", "report.png"
SIZE = (1400, 2300)


def write(folder: Path, environ: dict[str, str], out: Path) -> None:
    """Convert in a folder that holds the model and its pictures; the report goes to `out`, and names no folder of this computer."""
    page = folder / "report.html"
    subprocess.run([*shlex.split(COMMAND), "--report", str(page)], cwd=folder, env=environ, capture_output=True, check=True)
    (out / PAGE).write_text(impersonal(page.read_text(encoding="utf-8"), folder, environ), encoding="utf-8")
    screenshot(out / PAGE, out / PICTURE, *SIZE)


def impersonal(text: str, folder: Path, environ: dict[str, str]) -> str:
    """The report as somebody else's would be."""
    places = {
        f"{folder}/": "",
        str(folder): ".",
        str(paths.environments(environ)): "~/.cache/edgeroute/environments",
        str(paths.root(environ)): "~/.cache/edgeroute",
        sys.prefix: "~/venv",
        str(Path(__file__).parents[2]): "~/edgeroute",
        str(Path.home()): "~",
    }
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, places[place])
    return text


def screenshot(page: Path, picture: Path, width: int, height: int) -> None:
    """What a browser shows of a page, without its network."""
    browser = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}")
    subprocess.run([browser, *options, f"--screenshot={picture}", page.as_uri()], capture_output=True, check=True)
