"""A failed step leaves a folder that anybody can run, anywhere, and that names nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import ConverterFailed, EdgerouteError
from edgeroute.runner import repro
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.runner.rows import first_rows
from edgeroute.runner.smallest import smallest
from edgeroute.types import Limits
from edgeroute.workshop import Workshop


def fail(workshop: Workshop, model: Path, mood: str = "raises", **fields: object) -> EdgerouteError:
    options = {"first-bc": {"mood": mood}}
    request = Request(out=model.with_name("out.toy"), via=("first-ab", "first-bc"), options=options, limits=Limits(20), **fields)  # type: ignore[arg-type]
    with pytest.raises(EdgerouteError) as caught:
        convert(workshop, model, "toy-device", request)
    return caught.value


def kept(workshop: Workshop) -> Path:
    (folder,) = (workshop.cache.root / "failed").iterdir()
    return folder


def again(folder: Path, *arguments: str) -> str:
    environ = {**os.environ, "EDGEROUTE_PYTHON": sys.executable, "HOME": "/nowhere"}
    ran = subprocess.run(["sh", str(folder / "run.sh"), *arguments], capture_output=True, text=True, check=False, env=environ, cwd="/")
    return ran.stdout + ran.stderr


def texts(folder: Path) -> dict[str, str]:
    files = [p for p in folder.rglob("*") if p.is_file() and "code" not in p.relative_to(folder).parts and p.suffix != ".npy"]
    return {str(p.relative_to(folder)): p.read_text(errors="replace") for p in files}


@pytest.mark.parametrize("mood", ["raises", "exits", "crashes", "silent", "garbage", "wrong_kind", "wrong_numbers", "dead"])
def test_every_failure_leaves_one_and_it_travels(workshop: Workshop, model: Path, tmp_path: Path, mood: str) -> None:
    fail(workshop, model, mood)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(kept(workshop), elsewhere)
    shutil.rmtree(workshop.cache.root)
    for name in ("outcome.json", "scratch", "out"):
        path = elsewhere / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (elsewhere / "out").mkdir()
    again(elsewhere)
    left = json.loads((elsewhere / "outcome.json").read_text()) if (elsewhere / "outcome.json").exists() else {"status": "gone"}
    assert left["status"] == {"raises": "error", "exits": "exit", "crashes": "gone"}.get(mood, "ok")


def test_it_names_no_folder_of_this_computer(workshop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    fail(workshop, model)
    found = texts(kept(workshop))
    assert {"README.md", "run.sh", "job.json", "log.txt", "error.json", "requirements.txt"} <= set(found)
    assert [name for name, text in found.items() if str(tmp_path) in text] == []


def test_the_job_knows_relative_paths_only(workshop: Workshop, model: Path) -> None:
    fail(workshop, model)
    job = json.loads((kept(workshop) / "job.json").read_text())
    places = [*job["code"].values(), job["arguments"]["source"], job["arguments"]["out"], job["arguments"]["options"]["samples"]["path"]]
    assert all(not Path(p).is_absolute() for p in places)
    assert all((kept(workshop) / p).exists() for p in (*job["code"].values(), job["arguments"]["source"]))


def test_the_samples_travel_with_it(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    fail(workshop, model)
    folder = shutil.copytree(kept(workshop), tmp_path / "elsewhere")
    shutil.rmtree(workshop.cache.root)
    assert "samples: 24 (24, 4)" in again(folder)


def test_large_samples_travel_in_part(workshop: Workshop, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repro, "MOST_BYTES", 320)
    fail(workshop, model)
    assert "samples: 12 (12, 4)" in again(kept(workshop)) or "samples: 11 (11, 4)" in again(kept(workshop))


def test_where_nothing_can_run_it_says_what_to_type(workshop: Workshop, model: Path) -> None:
    fail(workshop, model)
    script = (kept(workshop) / "run.sh").read_text()
    (kept(workshop) / "run.sh").write_text(script.replace(sys.executable, "/nowhere/python"))
    environ = {k: v for k, v in os.environ.items() if k != "EDGEROUTE_PYTHON"}
    ran = subprocess.run(["sh", str(kept(workshop) / "run.sh")], capture_output=True, text=True, check=False, env=environ)
    assert ran.returncode == 1
    assert "pip install -r requirements.txt" in ran.stderr


def test_only_the_latest_are_kept(workshop: Workshop, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repro, "MOST_FOLDERS", 2)
    for mood in ("raises", "exits", "silent"):
        fail(workshop, model, mood)
    assert len(list((workshop.cache.root / "failed").iterdir())) == 2


def test_the_smallest_part_that_fails_alike_is_found(workshop: Workshop, tmp_path: Path) -> None:
    model = tmp_path / "model.toy"
    operators = ["a", "b", "c", "bad", "d", "e", "f"]
    model.write_text(json.dumps({"kind": "toy-a", "factor": 2.0, "operators": operators}))
    error = fail(workshop, model, "chokes", bisect=60.0)
    assert isinstance(error, ConverterFailed)
    assert (error.message, "1 of 7 operators suffice" in error.remedy) == ("operator bad at /head/bad_1 is not supported", True)
    folder = kept(workshop)
    assert json.loads((folder / "smallest.toy").read_text())["operators"] == ["bad"]
    assert json.loads((folder / "smallest.json").read_text())["operators"] == ["bad"]
    assert "cannot do bad" in again(folder, "job-smallest.json")
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "sh run.sh job-smallest.json" in page and "--bisect" not in page


def test_a_step_from_the_cache_is_kept_though_its_code_has_moved(workshop: Workshop, model: Path) -> None:
    fail(workshop, model, "wrong_numbers")
    shutil.rmtree(kept(workshop))
    for job in (workshop.cache.root / "steps").glob("*/job.json"):
        told = json.loads(job.read_text())
        job.write_text(json.dumps({**told, "code": dict.fromkeys(told["code"], "/nowhere/gone")}))
    assert fail(workshop, model, "wrong_numbers").code == "float-differs"
    assert any((kept(workshop) / "code").iterdir())


def test_without_time_the_error_is_told_as_it_is(workshop: Workshop, tmp_path: Path) -> None:
    model = tmp_path / "model.toy"
    model.write_text(json.dumps({"kind": "toy-a", "factor": 2.0, "operators": ["a", "bad"]}))
    assert "suffice" not in fail(workshop, model, "chokes", bisect=1e-9).remedy
    assert not (kept(workshop) / "smallest.toy").exists()


def test_a_search_is_suggested_where_no_symptom_explains(workshop: Workshop, model: Path) -> None:
    assert "--bisect 300" in fail(workshop, model, "counts").remedy
    assert "--bisect" not in fail(workshop, model, "raises").remedy


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1, max_size=3))))
def test_the_culprits_and_nothing_else(case: tuple[int, set[int]]) -> None:
    count, culprits = case
    asked = []

    def fails(keep: Sequence[int]) -> bool:
        asked.append(tuple(keep))
        return culprits <= set(keep)

    assert smallest(count, fails) == sorted(culprits)
    assert len(asked) <= 2 * count.bit_length() + 4 + max(culprits) - min(culprits)


def test_a_model_that_does_not_fail_stays_whole() -> None:
    assert smallest(5, lambda keep: False) == [0, 1, 2, 3, 4]


@given(st.integers(1, 9), st.integers(1, 12), st.sampled_from(["f4", "u1", "i8"]), st.sampled_from([(1, 0), (2, 0)]))
def test_the_first_rows(tmp_path_factory: pytest.TempPathFactory, rows: int, count: int, kind: str, version: tuple[int, int]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    array = np.arange(rows * 6).reshape(rows, 2, 3).astype(kind)
    with (folder / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version)
    first_rows(folder / "a.npy", folder / "b.npy", count)
    assert np.array_equal(np.load(folder / "b.npy"), array[:count])
