"""Nothing that strangers build on changes in passing: the surface is in a file, and the changelog knows its digest."""

from __future__ import annotations

import difflib

from tests.core.api_surface import CHANGELOG, FILE, MARK, digest, surface

HOW = "say in CHANGELOG.md what plugin authors and callers have to know, then run: python -m tests.core.api_surface"


def test_a_public_signature_changes_only_with_an_entry_in_the_changelog() -> None:
    was, now = FILE.read_text(encoding="utf-8"), surface()
    changed = [line for line in difflib.unified_diff(was.splitlines(), now.splitlines(), lineterm="", n=0) if line[:1] in "+-"][2:]
    assert not changed, f"the public surface changed; {HOW}\n" + "\n".join(changed)
    newest = MARK.search(CHANGELOG.read_text(encoding="utf-8"))
    assert newest and newest[1] == digest(now), f"the changelog speaks of another surface; {HOW}"


def test_the_surface_holds_what_plugins_are_made_of() -> None:
    said = surface()
    for name in (
        "class edgeroute.types.Converter",
        "edgeroute.hookspecs.edgeroute_recognize(path",
        "edgeroute.api.convert(",
        "class edgeroute.errors.PlanError",
    ):
        assert name in said
    assert "site-packages" not in said and "object at 0x" not in said
