"""The parent's side: every way in which a child can end becomes an outcome that says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edgeroute import jobs, processes
from edgeroute.errors import EnvironmentFailed
from edgeroute.jobs import run_job
from edgeroute.types import Job, Limits, Outcome

HERE = Path(sys.executable)
CODE = """
import os, signal, subprocess, sys, time

def add(a, b): return a + b
def segfault():
    import ctypes
    print("last words", flush=True)
    ctypes.string_at(0)
def abort(): os.abort()
def leave_at_once(code): os._exit(code)
def leave(code): sys.exit(code)
def killed(): os.kill(os.getpid(), signal.SIGKILL)
def hang(): time.sleep(600)
def hang_stubbornly():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
def eat(megabytes):
    food = []
    while True:
        food.append(bytearray(os.urandom(1 << 20) * 8))
        if len(food) * 8 > megabytes:
            time.sleep(600)
def hold(megabytes):
    food = bytearray(megabytes << 20)
    food[::4096] = b"x" * len(food[::4096])
    time.sleep(0.3)
def hold_in_a_child(megabytes):
    code = "import time; f = bytearray(%d << 20); f[::4096] = b'x' * len(f[::4096]); time.sleep(0.5)" % megabytes
    subprocess.run([sys.executable, "-c", code])
def share(megabytes):
    food = bytearray(megabytes << 20)
    food[::4096] = b"x" * len(food[::4096])
    children = [os.fork() for _ in range(3)]
    if 0 in children:
        time.sleep(0.6)
        os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    return "done"
def have_children(detached):
    for i in range(3):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=detached)
    return "left them running"
def have_children_and_hang():
    have_children(False)
    have_children(True)
    time.sleep(600)
def multiply():
    for _ in range(8):  # a bomb with an end, 256 processes: a test must not take its machine with it
        os.fork()
        time.sleep(0.02)
    time.sleep(600)
def crash_at_the_end():
    import atexit
    atexit.register(os.abort)
    return "done"
def talk():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"to fd 1\\n")
    subprocess.run(["echo", "from a child"])
def see_stdin(): return sys.stdin.read()
def marker():
    from edgeroute.hookspecs import hookimpl
    return hookimpl.project_name
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "acts.py").write_text(CODE)
    return tmp_path


def run(place: Path, function: str, limits: Limits | None = None, **arguments: object) -> Outcome:
    return run_job(HERE, Job("call", f"acts:{function}", arguments, code={"acts": str(place / "acts.py")}), place / "job", limits)


def survivors(place: Path) -> list[str]:
    """Processes that still know the job's folder."""
    found = []
    for entry in Path("/proc").iterdir() if Path("/proc/self").exists() else ():
        try:
            if entry.name.isdigit() and str(place).encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_a_value_comes_back(place: Path) -> None:
    outcome = run(place, "add", a=1, b=2)
    assert (outcome.status, outcome.value) == ("ok", 3)
    assert outcome.seconds > 0
    assert outcome.peak_rss_mb > 5


def test_the_folder_holds_what_repeats_the_job(place: Path) -> None:
    outcome = run(place, "talk")
    (place / "job" / "outcome.json").unlink()
    done = subprocess.run(outcome.command, shell=True, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0
    assert "from a child" in done.stdout
    assert (place / "job" / "outcome.json").exists()
    moved = (place / "job").rename(place / "moved elsewhere")
    done = subprocess.run(["sh", str(moved / "run.sh")], capture_output=True, text=True, check=False)
    assert (done.returncode, "to fd 1" in done.stdout) == (0, True)


def test_everything_that_is_said_goes_into_the_log(place: Path) -> None:
    log = Path(run(place, "talk").log).read_text()
    assert all(words in log for words in ("to stdout", "to stderr", "to fd 1", "from a child"))


def test_nothing_can_be_asked_of_the_user(place: Path) -> None:
    assert run(place, "see_stdin").value == ""


def test_a_plugins_module_may_import_its_hook_marker(place: Path) -> None:
    assert run(place, "marker").value == "edgeroute"


@pytest.mark.parametrize(
    ("function", "arguments", "code", "words"),
    [
        ("segfault", {}, "converter-crashed", "SIGSEGV"),
        ("abort", {}, "converter-crashed", "SIGABRT"),
        ("killed", {}, "converter-killed", "memory"),
        ("leave_at_once", {"code": 0}, "converter-exit", "exit code 0"),
        ("leave_at_once", {"code": 3}, "converter-exit", "exit code 3"),
        ("leave", {"code": 0}, "converter-exit", "sys.exit(0)"),
    ],
)
def test_an_end_without_a_result_says_how_it_ended(place: Path, function: str, arguments: dict[str, int], code: str, words: str) -> None:
    outcome = run(place, function, **arguments)
    assert outcome.status == "exit"
    assert outcome.error["code"] == code
    assert words in outcome.error["message"]
    assert outcome.error["remedy"]


def test_a_crash_leaves_a_stack_in_the_log(place: Path) -> None:
    log = Path(run(place, "segfault").log).read_text()
    assert "last words" in log
    assert "in segfault" in log


def test_a_crash_while_the_process_is_torn_down_does_not_spoil_the_result(place: Path) -> None:
    assert run(place, "crash_at_the_end").value == "done"


def test_an_outcome_of_an_earlier_run_is_not_taken_for_this_ones(place: Path) -> None:
    assert run(place, "add", a=1, b=2).status == "ok"
    assert run(place, "leave_at_once", code=0).status == "exit"


@pytest.mark.parametrize("function", ["hang", "hang_stubbornly"])
def test_the_time_limit_ends_it(place: Path, function: str) -> None:
    outcome = run(place, function, Limits(seconds=0.5))
    assert outcome.status == "timeout"
    assert outcome.error["code"] == "converter-timeout"
    assert outcome.seconds < 5


def test_the_memory_limit_ends_it(place: Path) -> None:
    outcome = run(place, "eat", Limits(seconds=30, megabytes=200), megabytes=4000)
    assert outcome.status == "memory"
    assert 200 < outcome.peak_rss_mb < 1500


def test_memory_that_forked_children_share_is_not_held_against_them(place: Path) -> None:
    outcome = run(place, "share", Limits(seconds=30, megabytes=250), megabytes=120)
    assert (outcome.status, outcome.value) == ("ok", "done")


def test_the_peak_counts_the_whole_tree(place: Path) -> None:
    assert 100 < run(place, "hold", megabytes=100).peak_rss_mb < 160
    assert 100 < run(place, "hold_in_a_child", megabytes=100).peak_rss_mb < 180


def test_the_peak_is_not_the_parents(place: Path) -> None:
    burden = bytearray(300 << 20)
    burden[::4096] = b"x" * len(burden[::4096])
    assert run(place, "add", a=1, b=2).peak_rss_mb < 100
    del burden


@pytest.mark.parametrize("detached", [False, True])
def test_children_that_were_left_behind_are_ended(place: Path, detached: bool) -> None:
    assert run(place, "have_children", detached=detached).status == "ok"
    assert survivors(place) == []


def test_a_limit_ends_the_children_too_even_detached_ones(place: Path) -> None:
    assert run(place, "have_children_and_hang", Limits(seconds=1)).status == "timeout"
    assert survivors(place) == []


def test_a_fork_bomb_is_ended(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeroute.jobs.MOST_PROCESSES", 40)
    outcome = run(place, "multiply", Limits(seconds=20))
    assert (outcome.status, outcome.error["code"]) == ("exit", "converter-processes")
    assert survivors(place) == []


def test_an_interrupt_ends_the_child_and_goes_on(place: Path) -> None:
    threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run(place, "have_children_and_hang")
    assert survivors(place) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's pipe signals are Linux's")
def test_a_parent_that_is_killed_takes_the_child_with_it(place: Path) -> None:
    core = Path(processes.__file__).parent.parent
    code = (
        f"import sys; sys.path.insert(0, {str(core)!r})\nfrom pathlib import Path\nfrom edgeroute.jobs import run_job\n"
        f"from edgeroute.types import Job\nrun_job(Path(sys.executable), Job('call', 'acts:hang', {{}}, code={{'acts': {str(place / 'acts.py')!r}}}),"
        f" Path({str(place / 'job')!r}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    scratch = place / "job" / "scratch" / "tmp"
    wait_until(scratch.exists)
    pids = processes.tree(parent.pid)
    assert len(pids) == 2
    time.sleep(0.2)
    parent.kill()
    parent.wait()
    wait_until(lambda: not Path(f"/proc/{pids[1]}").exists())


def wait_until(condition: object, seconds: float = 10) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_progress_is_told_while_it_lasts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    job = Job("call", "acts:hang", {}, code={"acts": str(place / "acts.py")})
    run_job(HERE, job, place / "job", Limits(seconds=1.4), lambda text, share: told.append(text))
    assert len(told) == 1
    assert told[0].startswith("1 s, ")


def test_an_interpreter_that_is_gone_is_an_environments_failure(place: Path) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        run_job(place / "no-python", Job("call", "acts:hang", {}), place / "job")
    assert caught.value.code == "interpreter-gone"


def test_descriptors_are_not_leaked(place: Path) -> None:
    run(place, "add", a=1, b=2)
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    for _ in range(3):
        run(place, "add", a=1, b=2)
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize(("function", "arguments"), [("leave_at_once", {"code": 120}), ("leave", {"code": 1})])
def test_a_failure_on_a_full_disk_is_the_disks(
    place: Path, monkeypatch: pytest.MonkeyPatch, function: str, arguments: dict[str, int]
) -> None:
    monkeypatch.setattr(jobs, "ALMOST_NOTHING", 1 << 60)
    outcome = run(place, function, **arguments)
    assert outcome.status == "error" and outcome.error["code"] == "disk-full"
    assert "EDGEROUTE_HOME=" in str(outcome.error["remedy"]) and outcome.error["exit_code"] == EnvironmentFailed.exit_code


def test_what_succeeds_on_a_full_disk_has_succeeded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ALMOST_NOTHING", 1 << 60)
    assert run(place, "add", a=1, b=2).value == 3
