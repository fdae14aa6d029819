"""The store: whole entries or none, whoever is faster."""

from __future__ import annotations

from pathlib import Path

from edgeroute.cache import Cache


def filled(cache: Cache, key: str, text: str) -> Path:
    folder = cache.stage(key)
    (folder / "file").write_text(text)
    return folder


def test_what_was_put_is_got(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("steps", "k", filled(cache, "k", "hello"), {"n": 1})
    entry = cache.get("steps", "k")
    assert entry is not None
    assert ((entry.folder / "file").read_text(), entry.value) == ("hello", {"n": 1})


def test_a_half_written_entry_is_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    entry = cache.put("steps", "k", filled(cache, "k", "x"), {})
    (entry.folder / "entry.json").write_text("{ broken")
    assert cache.get("steps", "k") is None
    again = cache.put("steps", "k", filled(cache, "k", "y"), {})
    assert (again.folder / "file").read_text() == "y"


def test_the_faster_process_wins_and_nothing_is_left_behind(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    slow = filled(cache, "k", "slow")
    cache.put("steps", "k", filled(cache, "k", "fast"), {})
    entry = cache.put("steps", "k", slow, {})
    assert (entry.folder / "file").read_text() == "fast"
    assert list((tmp_path / "staging").iterdir()) == []


def test_amending_keeps_what_was_written_down(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.amend(cache.put("steps", "k", filled(cache, "k", "x"), {"a": 1}), {"b": 2})
    entry = cache.get("steps", "k")
    assert entry is not None and entry.value == {"a": 1, "b": 2}


def test_clear_removes_all_but_environments(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("steps", "k", filled(cache, "k", "hello"), {})
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "kept").write_text("")
    removed = cache.clear()
    assert (removed.entries["steps"], cache.get("steps", "k"), (tmp_path / "environments" / "kept").exists()) == (1, None, True)
    assert removed.bytes["steps"] > 0


def test_clear_by_age_keeps_what_was_used_lately(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("steps", "k", filled(cache, "k", "hello"), {})
    cache.clear(older_than_days=1)
    assert cache.get("steps", "k") is not None
