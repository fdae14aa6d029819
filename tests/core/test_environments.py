"""Environments: built once, marked last, never half; and the caller's own interpreter where it serves."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeroute import venvs
from edgeroute.distributions import installed, isolated_paths
from edgeroute.environments import Environments
from edgeroute.errors import EnvironmentFailed, PluginError
from edgeroute.interpreters import Interpreters
from edgeroute.jobs import run_job
from edgeroute.types import Environment, Job, Tool
from tests.core.wheels import calls, fake_uv, make_wheel, pin

CORE = Path(venvs.__file__).parent.parent
TESTS = Path(__file__).parent.parent.parent
OWN = next(d for d in installed(isolated_paths()).values() if d.name == "packaging")


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    return fake_uv(tmp_path / "tools")


@pytest.fixture
def tiny(tmp_path: Path) -> Environment:
    """An environment of one hand-made package."""
    return Environment("tiny", (pin(make_wheel(tmp_path / "wheels", "tinypkg", "1.0")),), python=">=3.11", megabytes=1)


def open_environments(tmp_path: Path, *declared: Environment | Tool, offline: bool = False, path: str | None = None) -> Environments:
    """Environments in a fresh root, with the stand-in uv first on PATH if it was made."""
    environ = dict(os.environ) | {"PATH": path if path is not None else f"{tmp_path / 'tools'}{os.pathsep}{os.environ['PATH']}"}
    return Environments(tmp_path / "root", {d.name: d for d in declared}, offline, environ=environ)


def without_uv() -> str:
    """This PATH without the folders in which a real uv lies."""
    return os.pathsep.join(f for f in os.environ["PATH"].split(os.pathsep) if not (Path(f) / "uv").exists())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environments, list[str]]:
    """An environment that the real venv and pip built, because uv could not, and what they told meanwhile."""
    folder = tmp_path_factory.mktemp("real environments")
    (fake_uv(folder / "tools").parent / "broken.txt").write_text("no such index")
    first = make_wheel(folder, "tinypkg", "1.0")
    second = make_wheel(folder, "loosepkg", "2.0", requires=("no-such-dependency-anywhere==9",))
    declared = Environment("real", (pin(first),), no_deps=(pin(second),), megabytes=1)
    told: list[str] = []
    environments = open_environments(folder, declared)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_TARGET", str(folder / "elsewhere"))
        patch.setenv("PYTHONPATH", str(folder))
        environments.ensure("real", lambda text, share: told.append(text))
    return environments, told


def test_pip_builds_it_with_and_without_dependencies(built: tuple[Environments, list[str]]) -> None:
    environments, told = built
    state = environments.state("real")
    assert state.status == "ready"
    assert state.python is not None
    answer = subprocess.run(
        [state.python, "-I", "-c", "import tinypkg, loosepkg; print(tinypkg.VERSION, loosepkg.VERSION)"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.stdout.split() == ["1.0", "2.0"], answer.stderr
    assert any("uv failed" in line for line in told)
    assert any("making a virtual environment with Python" in line for line in told)
    assert any("installing 1 packages" in line for line in told)
    assert told[-1].endswith("MB)")


def test_an_installer_does_not_follow_the_users_shell_elsewhere(built: tuple[Environments, list[str]]) -> None:
    assert not (built[0].root.parent / "elsewhere").exists()


def test_it_is_named_by_its_requirements_and_written_down(built: tuple[Environments, list[str]]) -> None:
    environments, _ = built
    state = environments.state("real")
    declared = environments.declared["real"]
    assert isinstance(declared, Environment)
    assert state.folder == environments.root / f"real-{declared.digest}"
    record = json.loads((state.folder / "ready.json").read_text())
    assert record["packages"]["loosepkg"] == "2.0"
    assert record["installer"] == "pip"
    assert state.megabytes > 1
    assert (state.folder / "build.log").exists()


def test_a_healthy_environment_checks_out(built: tuple[Environments, list[str]]) -> None:
    assert built[0].check("real") == ()


def test_a_built_environment_serves_offline_too(built: tuple[Environments, list[str]]) -> None:
    environments = Environments(built[0].root, built[0].declared, offline=True)
    assert environments.ensure("real") == built[0].ensure("real")


def test_a_job_runs_in_it_and_tells_the_versions(built: tuple[Environments, list[str]], tmp_path: Path) -> None:
    (tmp_path / "act.py").write_text("def act():\n    import tinypkg\n    return tinypkg.VERSION\n")
    outcome = run_job(built[0].ensure("real").python, Job("call", "act:act", {}, code={"act": str(tmp_path / "act.py")}), tmp_path / "job")
    assert (outcome.status, outcome.value) == ("ok", "1.0")
    assert outcome.versions["tinypkg"] == "1.0"


def test_a_failed_build_repeats_pips_last_words_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    environments = open_environments(tmp_path, Environment("bad", ("no-such-package==1",)), path=without_uv())
    with pytest.raises(EnvironmentFailed) as caught:
        environments.ensure("bad")
    assert caught.value.code == "environment-unresolvable"
    assert "No matching distribution found for no-such-package==1" in caught.value.message
    assert "edgeroute env build bad" in caught.value.remedy
    assert not environments.folder(environments.declared["bad"]).exists()  # type: ignore[arg-type]
    assert Path(caught.value.where).exists()
    assert environments.state("bad").status == "to-build"


def test_uv_builds_it_where_it_is_on_path(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    environments = open_environments(tmp_path, tiny)
    assert environments.state("tiny").status == "to-build"
    ready = environments.ensure("tiny")
    assert [c.split()[0] for c in calls(uv)] == ["venv", "pip"]
    assert environments.state("tiny").digest == ready.digest
    assert environments.ensure("tiny") == ready
    assert len(calls(uv)) == 2


def test_success_without_the_pins_is_no_success(tmp_path: Path, uv: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", "tinypkg", "1.0")
    environments = open_environments(tmp_path, Environment("tiny", (str(wheel), "otherpkg==3")))
    with pytest.raises(EnvironmentFailed) as caught:
        environments.ensure("tiny")
    assert caught.value.code == "environment-incomplete"
    assert "otherpkg==3 (not installed)" in caught.value.message
    assert environments.state("tiny").status == "to-build"


def test_the_digest_names_what_is_installed_and_not_where(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    first = open_environments(tmp_path, tiny).ensure("tiny").digest
    again = Environments(tmp_path / "other root", {"tiny": tiny}, environ={"PATH": f"{uv.parent}{os.pathsep}{os.environ['PATH']}"})
    assert again.ensure("tiny").digest == first
    newer = Environment("tiny", (pin(make_wheel(tmp_path / "wheels", "tinypkg", "1.1")),))
    assert open_environments(tmp_path, newer).ensure("tiny").digest != first


BUILDER = """
import sys
from pathlib import Path
from edgeroute.environments import Environments
from edgeroute.types import Environment
environment = Environment("tiny", (sys.argv[2],), python=">=3.11", megabytes=1)
print(Environments(Path(sys.argv[1]), {"tiny": environment}).ensure("tiny", lambda t, f: print(t, file=sys.stderr, flush=True)).digest)
"""


def start_builder(tmp_path: Path, requirement: str) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": str(CORE), "PATH": f"{tmp_path / 'tools'}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(tmp_path / "root"), requirement],
        env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_of_three_processes_one_builds_and_the_others_wait(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    (uv.parent / "delay.txt").write_text("0.4")
    builders = [start_builder(tmp_path, tiny.requirements[0]) for _ in range(3)]
    said = [builder.communicate(timeout=60) for builder in builders]
    assert [b.returncode for b in builders] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert len(calls(uv)) == 2


def test_an_interrupted_build_is_never_used_and_swept_away(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    """Killed while the installer runs: the installer holds the lock until it ends, and the next build starts from nothing."""
    (uv.parent / "delay.txt").write_text("1")
    builder = start_builder(tmp_path, tiny.requirements[0])
    environments = open_environments(tmp_path, tiny)
    folder = environments.folder(tiny)
    wait_until(lambda: len(calls(uv)) == 2 or builder.poll() is not None)
    assert builder.poll() is None
    builder.kill()
    builder.communicate()
    assert folder.exists()
    assert environments.state("tiny").status == "to-build"
    (folder / "garbage").write_text("left behind")
    (uv.parent / "delay.txt").unlink()
    told: list[str] = []
    environments.ensure("tiny", lambda text, share: told.append(text))
    assert told[0].startswith("waiting for another build")
    assert not (folder / "garbage").exists()
    assert environments.check("tiny") == ()


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    (uv.parent / "delay.txt").write_text("30")
    builder = start_builder(tmp_path, tiny.requirements[0])
    wait_until(lambda: len(calls(uv)) == 1)
    started = time.monotonic()
    builder.send_signal(signal.SIGINT)
    _, said = builder.communicate(timeout=20)
    assert "KeyboardInterrupt" in said
    assert time.monotonic() - started < 5
    assert not [p for p in (tmp_path / "root").iterdir() if p.is_dir()]


def wait_until(condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_offline_and_not_built_says_what_to_type_beforehand(tmp_path: Path, tiny: Environment) -> None:
    environments = open_environments(tmp_path, tiny, offline=True)
    state = environments.state("tiny")
    assert (state.status, state.closed) == ("offline", True)
    with pytest.raises(EnvironmentFailed) as caught:
        environments.ensure("tiny")
    assert caught.value.code == "offline-environment"
    assert "edgeroute env build tiny" in caught.value.remedy


def test_without_a_python_the_remedy_says_how_to_get_one(tmp_path: Path) -> None:
    environments = open_environments(tmp_path, Environment("future", ("x==1",), python=">=3.19,<3.20"))
    state = environments.state("future")
    assert (state.status, state.python) == ("no-python", None)
    assert "uv python install 3.19" in state.remedy
    with pytest.raises(EnvironmentFailed) as caught:
        environments.ensure("future")
    assert caught.value.code == "no-python"


def test_what_no_registry_has_is_closed_until_somebody_builds_it(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    declared = Environment("tiny", tiny.requirements, source="https://example.org/tiny.git", megabytes=1)
    environments = open_environments(tmp_path, declared)
    state = environments.state("tiny")
    assert state.status == "unreachable"
    assert "https://example.org/tiny.git" in state.reason
    assert state.remedy == "edgeroute env build tiny"
    environments.ensure("tiny")
    assert environments.state("tiny").status == "ready"


def test_the_callers_interpreter_serves_when_it_meets_the_looser_requirements(tmp_path: Path) -> None:
    declared = Environment("own", ("packaging==0.1",), accepts=("packaging>=20", "tinypkg==1; python_version < '3'"))
    environments = open_environments(tmp_path, declared)
    state = environments.state("own")
    assert (state.status, state.python) == ("caller", Path(sys.executable))
    assert environments.ensure("own").digest == state.digest
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    "declared",
    [
        Environment("own", ("packaging==0.1",)),
        Environment("own", (f"packaging=={OWN.version}",), no_deps=("no-such-package==1",)),
        Environment("own", (f"packaging=={OWN.version}",), python=">=3.11,!=" + ".".join(map(str, sys.version_info[:3]))),
    ],
    ids=["version", "no_deps", "python"],
)
def test_the_callers_interpreter_does_not_serve_otherwise(tmp_path: Path, declared: Environment) -> None:
    assert open_environments(tmp_path, declared).state("own").status != "caller"


def test_what_a_worker_cannot_see_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tinypkg-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert open_environments(tmp_path, Environment("own", ("tinypkg==1.0",))).state("own").status != "caller"


def test_the_empty_name_is_the_callers_interpreter(tmp_path: Path) -> None:
    environments = open_environments(tmp_path)
    assert environments.state("").status == "caller"
    assert environments.ensure("").python == Path(sys.executable)


def test_a_state_is_told_without_starting_a_process(tmp_path: Path, tiny: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    declared = [Environment(f"e{i}", (f"no-such-package=={i}",), python=">=3.11") for i in range(20)]
    environments = open_environments(tmp_path, tiny, *declared)
    started = time.perf_counter()
    assert {s.status for s in environments.list()} == {"to-build"}
    assert time.perf_counter() - started < 0.2


@pytest.mark.parametrize("damage", ["moved", "machine", "python", "record"])
def test_a_damaged_environment_is_built_again(tmp_path: Path, uv: Path, tiny: Environment, damage: str) -> None:
    environments = open_environments(tmp_path, tiny)
    environments.ensure("tiny")
    folder = environments.folder(tiny)
    record = json.loads((folder / "ready.json").read_text())
    if damage == "moved":
        record["folder"] = "/somewhere/else"
    if damage == "machine":
        record["machine"] = "Plan9-mips"
    if damage == "python":
        (folder / "bin" / "python").unlink()
    (folder / "ready.json").write_text("{" if damage == "record" else json.dumps(record))
    assert environments.state("tiny").status == "to-build"
    environments.ensure("tiny")
    assert environments.check("tiny") == ()


def test_check_finds_what_was_changed_since(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    environments = open_environments(tmp_path, tiny)
    environments.ensure("tiny")
    site = next(environments.folder(tiny).glob("lib/python*/site-packages"))
    (site / "stranger-1.0.dist-info").mkdir()
    (site / "stranger-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    assert [f.code for f in environments.check("tiny")] == ["environment-drifted"]
    shutil.rmtree(site / "tinypkg-1.0.dist-info")
    assert [f.code for f in environments.check("tiny")] == ["environment-incomplete"]
    (environments.folder(tiny) / "bin" / "python").unlink()
    (environments.folder(tiny) / "bin" / "python").write_text("#!/bin/sh\nexit 3\n")
    assert "does not answer" in environments.check("tiny")[0].message or environments.check("tiny")[0].code == "environment-broken"


def test_remove_deletes_all_versions_and_nothing_else(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    wheel = make_wheel(tmp_path / "wheels", "tinypkg", "1.1")
    newer, other = Environment("tiny", (pin(wheel),)), Environment("tiny-extra", tiny.requirements)
    open_environments(tmp_path, tiny).ensure("tiny")
    environments = open_environments(tmp_path, newer, other)
    environments.ensure("tiny")
    environments.ensure("tiny-extra")
    assert environments.stale() == (environments.folder(tiny),)
    assert environments.remove("tiny") >= 0
    assert [environments.state(n).status for n in ("tiny", "tiny-extra")] == ["to-build", "ready"]
    assert environments.stale() == ()


def test_an_unknown_name_offers_the_nearest(tmp_path: Path, tiny: Environment) -> None:
    environments = open_environments(tmp_path, tiny)
    for ask in (environments.state, environments.ensure, environments.remove, environments.check):
        with pytest.raises(EnvironmentFailed) as caught:
            ask("tinny")
        assert "did you mean tiny" in caught.value.remedy


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (Environment("../evil", ("x==1",)), "bad-name"),
        (Environment("bad", ("not a requirement",)), "bad-requirement"),
        (Environment("bad", ("x==1",), python="three"), "bad-python-range"),
    ],
)
def test_a_senseless_declaration_blames_the_plugin(tmp_path: Path, declared: Environment, code: str) -> None:
    with pytest.raises(PluginError) as caught:
        open_environments(tmp_path, declared).state(declared.name)
    assert caught.value.code == code


def test_a_disk_that_is_too_small_is_noticed_before(tmp_path: Path, uv: Path, tiny: Environment) -> None:
    huge = Environment("huge", tiny.requirements, megabytes=10**12)
    with pytest.raises(EnvironmentFailed) as caught:
        open_environments(tmp_path, huge).ensure("huge")
    assert caught.value.code == "environment-disk"
    assert calls(uv) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("OSError: [Errno 28] No space left on device", "environment-disk"),
        ("Failed to establish a new connection: NewConnectionError\nNo matching distribution found for x", "environment-network"),
        ("ERROR: ResolutionImpossible", "environment-unresolvable"),
        ("Segmentation fault", "environment-failed"),
    ],
)
def test_an_installers_failure_is_diagnosed(tmp_path: Path, words: str, code: str, tiny: Environment) -> None:
    log = tmp_path / "build.log"
    log.write_text(words)
    python = Interpreters(tmp_path / "memory.json").choose(">=3.11", with_venv=False)
    build = venvs.Build(tiny, tmp_path, python, log, lambda text, share: None, -1)
    error = venvs.diagnose(build, venvs.InstallerFailed("pip", words.splitlines()))
    assert error.code == code
    assert words.splitlines()[0] in error.message
    assert "edgeroute env build tiny" in error.remedy


def test_a_tool_is_a_place_to_run_in_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool("compiler", ("no-such-compiler",), "NO_SUCH_COMPILER", "buy one")
    environments = open_environments(tmp_path, tool)
    state = environments.state("compiler")
    assert (state.status, state.remedy) == ("tool-missing", "buy one")
    assert environments.check("compiler")[0].code == "environment-tool-missing"
    with pytest.raises(EnvironmentFailed):
        environments.ensure("compiler")
    monkeypatch.setenv("NO_SUCH_COMPILER", sys.executable)
    environments = open_environments(tmp_path, tool)
    assert environments.state("compiler").status == "ready"
    assert environments.ensure("compiler").digest == environments.state("compiler").digest != ""


def test_a_users_clone_stands_in_for_what_no_registry_has(
    tmp_path: Path, uv: Path, tiny: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = dataclasses.replace(
        tiny, no_deps=("tool @ git+https://example.org/tool.git",), source="https://example.org", variable="TOOL"
    )
    assert "export TOOL=FOLDER" in open_environments(tmp_path, declared).state("tiny").remedy
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "tool.py").write_text("one = 1")
    monkeypatch.setenv("TOOL", str(clone))
    environments = open_environments(tmp_path, declared)
    assert environments.state("tiny").status == "to-build"
    before = environments.ensure("tiny").digest
    assert environments.check("tiny") == ()
    (clone / "tool.py").write_text("one = 1.0")
    assert environments.state("tiny").status == "ready" and environments.ensure("tiny").digest != before
    monkeypatch.setenv("TOOL", str(tmp_path / "nowhere"))
    lost = open_environments(tmp_path, declared)
    assert lost.state("tiny").closed and "unset TOOL" in lost.state("tiny").remedy
    with pytest.raises(EnvironmentFailed) as caught:
        lost.ensure("tiny")
    assert caught.value.code == "environment-clone-missing"


def test_what_comes_from_a_git_address_is_installed_as_a_checkout() -> None:
    given = ("tool @ git+https://example.org/tool@1a2b", "other==1.0")
    assert list(venvs.checkouts(given)) == ["--editable", "git+https://example.org/tool@1a2b#egg=tool", "other==1.0"]
