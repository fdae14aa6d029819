"""The reference is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.scripts import reference
from docs.scripts.commands import OTHERS
from edgeroute.cli.main import COMMANDS
from edgeroute.explain import codes, families

PAGES = reference.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_committed_pages_are_up_to_date(path: Path) -> None:
    assert path.is_file() and path.read_text(encoding="utf-8") == PAGES[path], "run `make reference`"


def text(name: str) -> str:
    return PAGES[reference.DOCS / "reference" / name]


def test_every_command_option_code_and_hook_is_there() -> None:
    assert all(f"\n## {name}\n" in text("command-line.md") for name in COMMANDS)
    assert all(f"\n### {code}\n" in text("errors.md") for code in codes())
    assert text("hooks.md").count("\n### edgeroute_") == 8
    known = reference.catalog()
    assert all(f"\n## {c.name}\n" in text("converters.md") for c in known.converters)
    assert all(f"## {e}\n" in text("environments.md") for e in known.environments)


def test_the_exit_codes_are_one_table_without_gaps() -> None:
    rows = [int(n) for n in re.findall(r"^\| (\d+) \|", text("exit-codes.md"), re.MULTILINE)]
    assert rows == sorted({*OTHERS, *(f.exit_code for f in families().values())})
    assert rows == [*range(14), 130]


def test_nothing_of_this_computer_is_in_the_pages() -> None:
    assert not [path for path, page in PAGES.items() if re.search(r"/(home|root|tmp|work)/", page)]
