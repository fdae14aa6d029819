"""Every `sh` and `python` block of the pages runs, in order, in a folder that holds `model.onnx` and `images/`.

A comment in front of a block says where it differs: `<!-- not run: why -->`, `<!-- run in: NAME -->` (the interpreter of an environment),
`<!-- exits with: 8 -->`, `<!-- file: NAME -->` (it is written, not run). A page that converts something needs the environments of its converters, and counts as `real`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.scripts.excerpts import ROOT, environ, excerpts, output, texts, workplace
from tests.plugins import real_tools

FENCE = re.compile(
    r"(?:<!-- (?P<note>(?:not run|run in|exits with|file): [^>]+?) -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
LANGUAGES = ("sh", "python")
ELSEWHERE = {"edge-tpu.md", "ambarella.md", "hand-over.md", "device-test.md"}
"""Pages of vendors' tools and cameras, whose commands are run with stand-ins beside the tests of their plugins."""
HEAVY = re.compile(r"\bedgeroute (convert|check|verify|blame|env build)\b|\b(convert|check|verify)\(|plugin new")


@dataclass(frozen=True)
class Snippet:
    """One block of a page."""

    language: str
    code: str
    note: str

    @property
    def heavy(self) -> bool:
        return not self.note.startswith(("not run", "file")) and bool(HEAVY.search(self.code) or self.note.startswith("run in"))


def snippets(page: Path) -> list[Snippet]:
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    blocks = [Snippet(m["language"], m["code"], m["note"] or "") for m in found]
    return [b for b in blocks if b.language in LANGUAGES or b.note.startswith("file: ")]


def pages() -> Iterator[object]:
    for page in texts():
        if page.exists() and page.name not in ELSEWHERE and "reference" not in page.parts and snippets(page):
            marks = [pytest.mark.real] if any(s.heavy for s in snippets(page)) else []
            marks += [pytest.mark.road] if "tutorial" in page.parts else []
            yield pytest.param(page, id=str(page.relative_to(ROOT)), marks=marks)


@pytest.mark.parametrize("page", list(pages()))
def test_snippets_run(page: Path, tmp_path: Path) -> None:
    workplace(tmp_path)
    for snippet in snippets(page):
        if snippet.note.startswith("file: "):
            file = tmp_path / snippet.note.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(snippet.code)
        elif not snippet.note.startswith("not run"):
            _run(snippet, tmp_path)


def _run(snippet: Snippet, folder: Path) -> None:
    python = sys.executable
    if snippet.note.startswith("run in: "):
        python = str(real_tools.environments().ensure(snippet.note.removeprefix("run in: ").strip()).python)
    command = ["sh", "-eu", "-c", snippet.code] if snippet.language == "sh" else [python, "-W", "ignore", "-c", snippet.code]
    ran = subprocess.run(command, cwd=folder, env=_environ(), capture_output=True, text=True, timeout=1500)
    wanted = int(snippet.note.removeprefix("exits with: ")) if snippet.note.startswith("exits with") else 0
    assert ran.returncode == wanted, f"{snippet.code}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"


def _environ() -> dict[str, str]:
    path = os.pathsep.join(str(ROOT / part) for part in ("core", "plugins"))
    return environ() | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.mark.real
@pytest.mark.parametrize("excerpt", excerpts(), ids=lambda e: f"{e.page.name}-{e.command.split()[1]}")
def test_excerpts_are_what_the_commands_print(excerpt: object, tmp_path: Path) -> None:
    """Numbers differ from computer to computer, words do not."""
    said = output(excerpt.command, excerpt.until, workplace(tmp_path))  # type: ignore[attr-defined]
    assert words(excerpt.text) - words(said) <= {"Time", "Peak", "took", "s", "MB", "findings"}, "run `make excerpts`"  # type: ignore[attr-defined]


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z][A-Za-z-]*", text))


def test_the_readme_begins_with_the_two_commands() -> None:
    first = snippets(ROOT / "README.md")[0]
    assert [line.partition("#")[0].strip() for line in first.code.strip().splitlines()] == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) and f"make {name}" in ci for name in ("demo", "test"))


def test_every_block_has_a_language() -> None:
    naked = [str(p.relative_to(ROOT)) for p in texts() if p.exists() and _naked(p.read_text(encoding="utf-8"))]
    assert naked == []


def _naked(text: str) -> bool:
    opens = re.findall(r"^```(\w*)$", text, re.MULTILINE)[::2]
    return "" in opens


def test_every_page_is_in_the_navigation_and_nothing_else() -> None:
    listed = re.findall(r"- ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    there = [str(p.relative_to(ROOT / "docs")) for p in texts() if p.is_relative_to(ROOT / "docs") and p.exists()]
    assert sorted(listed) == sorted(there)


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in texts()
        if page.exists()
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []
