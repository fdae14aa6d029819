"""The page of dependencies names every dependency, and nothing that is gone."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement

from docs.scripts.excerpts import ROOT
from docs.scripts.reference import catalog
from edgeroute.types import Environment

PAGE = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def required() -> set[str]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    texts = [*PROJECT["project"]["dependencies"], *(r for extra in extras for r in extra), *PROJECT["build-system"]["requires"]]
    environments = [e for e in catalog().environments.values() if isinstance(e, Environment)]
    texts += [r for e in environments for r in (*e.requirements, *e.no_deps)]
    return {Requirement(text).name for text in texts}


def named() -> set[str]:
    """The first cell of every table whose head is *package*, and what the table of extras brings."""
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"[A-Za-z0-9][\w.-]+", row)}


def test_every_dependency_has_its_reason() -> None:
    missing = {name for name in required() if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", PAGE)}
    assert missing == set()
    assert required() - named() <= {"rich"}


def test_every_extra_is_explained() -> None:
    assert {name for name in PROJECT["project"]["optional-dependencies"] if f"| `{name}` |" not in PAGE} == set()


def test_nothing_is_named_that_is_gone() -> None:
    assert (
        named() - required() - {"package", "extra", "together", "MkDocs", "with", "or"} - set(PROJECT["project"]["optional-dependencies"])
        == set()
    )
