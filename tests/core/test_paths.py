"""Where edgeroute keeps its things."""

from __future__ import annotations

from pathlib import Path

from edgeroute.paths import root


def test_the_users_own_choice_comes_first() -> None:
    assert root({"EDGEROUTE_HOME": "/here", "XDG_CACHE_HOME": "/there"}) == Path("/here")
    assert root({"XDG_CACHE_HOME": "/there"}) == Path("/there/edgeroute")
    assert root({"EDGEROUTE_HOME": "", "XDG_CACHE_HOME": ""}) == Path.home() / ".cache" / "edgeroute"
    assert root({"EDGEROUTE_HOME": "~/x"}) == Path.home() / "x"
