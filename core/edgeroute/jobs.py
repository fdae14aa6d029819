"""The parent's side of the process border: starts a worker, watches it, and turns any end that it may find into an Outcome."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeroute import processes, worker
from edgeroute.errors import EnvironmentFailed
from edgeroute.files import read_json, write_json, write_text
from edgeroute.progress import Progress, silent
from edgeroute.types import Job, Json, Limits, Outcome, to_json

JOB = "job.json"
LOG = "log.txt"
SCRIPT = "run.sh"
POLL = 0.04
"""Seconds between two looks at the process tree."""
MOST_PROCESSES = 1000
"""More than this is a fork bomb."""
ALMOST_NOTHING = 256 * 1024
"""Bytes that are left on a disk which is as good as full."""
GRACE = 1.0
"""Seconds between asking a job to end and killing it."""


def run_job(python: Path, job: Job, folder: Path, limits: Limits | None = None, progress: Progress = silent) -> Outcome:
    """Run a job in a child of this interpreter; what it leaves stays in the folder: job, log, outcome, run.sh, and after a failure its scratch.

    Relative paths in `arguments["source"]` and `["out"]` are meant from the folder. Never raises for what the child does; raises
    EnvironmentFailed when the interpreter itself cannot be started. The child and all it has started are gone afterwards.
    """
    python, folder = python.absolute(), folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / worker.OUTCOME).unlink(missing_ok=True)
    shutil.rmtree(folder / worker.SCRATCH, ignore_errors=True)
    write_json(folder / JOB, to_json(dataclasses.replace(job, code=border_code() | dict(job.code))))
    command = repeat_command(python, folder)
    write_text(
        folder / SCRIPT,
        f'#!/bin/sh\n# Repeats this step; its output comes here instead of into {LOG}.\ncd "$(dirname "$0")" && {_script(python)}\n',
    )
    started = time.monotonic()
    watch = _watch(python, folder, limits or Limits(), progress)
    outcome = _judge(watch, folder, limits or Limits(), command)
    if outcome.status == "ok":
        shutil.rmtree(folder / worker.SCRATCH, ignore_errors=True)
    return dataclasses.replace(outcome, seconds=time.monotonic() - started, log=str(folder / LOG), command=command)


def border_code() -> dict[str, str]:
    """What a plugin's module may import in every environment: edgeroute, and pluggy for its hook marker."""
    found = importlib.util.find_spec("pluggy")
    own = {"edgeroute": str(Path(worker.__file__).parent)}
    return own | ({"pluggy": str(Path(found.origin).parent)} if found and found.origin else {})


def repeat_command(python: Path, folder: Path) -> str:
    """The one command that repeats a job, to be pasted into a shell."""
    return shlex.join([str(python), "-I", "-X", "utf8", worker.__file__, str(folder / JOB)])


def _script(python: Path) -> str:
    return f"exec {shlex.join([str(python), '-I', '-X', 'utf8', worker.__file__, JOB])}"


@dataclass
class Watch:
    """What the parent saw of a child while it ran."""

    returncode: int = 0
    verdict: str = ""
    """Why the parent ended it: timeout, memory, processes; empty when it ended by itself."""
    peak_rss_mb: float = 0.0


def _watch(python: Path, folder: Path, limits: Limits, progress: Progress) -> Watch:
    mark = os.urandom(8).hex()
    lifeline, keep = os.pipe()
    try:
        child = _start(python, folder, mark, lifeline)
    finally:
        os.close(lifeline)
    watch, waiter = Watch(), processes.Waiter(child)
    try:
        watch.verdict = _look_after(child.pid, waiter, watch, limits, progress)
        processes.end(child, mark, GRACE if watch.verdict in {"timeout", "memory"} else 0.0)
    except BaseException:
        processes.end(child, mark, GRACE)
        raise
    finally:
        watch.returncode = child.wait()
        waiter.close()
        os.close(keep)
    return watch


def _start(python: Path, folder: Path, mark: str, lifeline: int) -> subprocess.Popen[bytes]:
    """The worker in a session of its own, without stdin, its output in the log; isolated as `-I` does, with a fixed hash seed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ |= {"PYTHONHASHSEED": "0", processes.MARK: mark, worker.LIFELINE: str(lifeline)}
    command = [str(python), "-s", "-P", "-X", "utf8", worker.__file__, str(folder / JOB)]
    try:
        with (folder / LOG).open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lifeline,),
            )
    except OSError as error:
        raise EnvironmentFailed(
            f"the interpreter {python} cannot be started: {error.strerror}",
            where=str(python),
            remedy="see `edgeroute env list`, and build its environment again: edgeroute env build NAME",
            code="interpreter-gone",
        ) from error


def _look_after(pid: int, waiter: processes.Waiter, watch: Watch, limits: Limits, progress: Progress) -> str:
    """Wait for the child to end; the reason why it must be ended, if it does not do so by itself."""
    started = told = time.monotonic()
    while not waiter.ended(POLL):
        pids, megabytes = processes.measure(pid, MOST_PROCESSES)
        watch.peak_rss_mb = max(watch.peak_rss_mb, megabytes)
        now = time.monotonic()
        if now - started > limits.seconds:
            return "timeout"
        if len(pids) > MOST_PROCESSES:
            return "processes"
        if limits.megabytes and megabytes > limits.megabytes and _truly_exceeds(pids, limits.megabytes):
            return "memory"
        if now - told > 1:
            told = now
            progress(f"{now - started:.0f} s, {megabytes:.0f} MB", None)
    return ""


def _truly_exceeds(pids: list[int], megabytes: int) -> bool:
    """Forked children share most of their memory with their parent: count it once before anybody is killed for it."""
    return len(pids) == 1 or not processes.PROC.exists() or processes.proportional_mb(pids) > megabytes


def _judge(watch: Watch, folder: Path, limits: Limits, command: str) -> Outcome:
    left: Mapping[str, Any] = read_json(folder / worker.OUTCOME) or {}
    peak = max(watch.peak_rss_mb, float(left.get("peak_rss_mb", 0.0)))
    if watch.verdict:
        return _ended_by_us(watch.verdict, limits, peak)
    if not (left and left["status"] == "ok") and _is_full(folder):
        return Outcome("error", error=disk_full(folder).as_json(), peak_rss_mb=peak)
    if left:
        return Outcome(left["status"], left["value"], left["error"], peak_rss_mb=peak, versions=left["versions"])
    error = _vanished(watch.returncode, command) | {"last_line": last_line(folder / LOG)}
    return Outcome("exit", error=error, peak_rss_mb=peak)


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < ALMOST_NOTHING


def disk_full(folder: Path) -> EnvironmentFailed:
    """What to say where there is no space left for the work itself."""
    return EnvironmentFailed(
        f"the disk is full on which edgeroute works, in {folder}",
        where=str(folder),
        remedy="free some space there (`edgeroute cache clear`), or let it work on a larger disk: export EDGEROUTE_HOME=/a/larger/disk",
        code="disk-full",
    )


def _error(code: str, message: str, remedy: str) -> dict[str, Json]:
    return {"code": code, "message": message, "where": "", "remedy": remedy}


def _ended_by_us(verdict: str, limits: Limits, peak: float) -> Outcome:
    if verdict == "timeout":
        error = _error("converter-timeout", f"it was ended after {limits.seconds:g} s, its limit", "give it more: --time-limit SECONDS")
        return Outcome("timeout", error=error, peak_rss_mb=peak)
    if verdict == "memory":
        message = f"it was ended at {peak:.0f} MB; its limit is {limits.megabytes} MB"
        return Outcome("memory", error=_error("converter-memory", message, "give it more: --memory-limit MB"), peak_rss_mb=peak)
    message = f"it was ended because it had started more than {MOST_PROCESSES} processes"
    return Outcome("exit", error=_error("converter-processes", message, "take another converter: --avoid NAME"), peak_rss_mb=peak)


def _vanished(returncode: int, command: str) -> dict[str, Json]:
    """A child that ended without an outcome: it crashed, was killed from outside, or left through `os._exit`."""
    by_hand = f"repeat it by hand: {command}"
    if returncode >= 0:
        return _error("converter-exit", f"its process ended with exit code {returncode} before it had finished", by_hand)
    name = signal.Signals(-returncode).name
    if name == "SIGKILL":
        return _error(
            "converter-killed",
            "it was killed from outside (SIGKILL), most often because memory ran out",
            "close other programs, or " + by_hand,
        )
    return _error("converter-crashed", f"it crashed ({name})", by_hand)


def last_line(log: Path) -> str:
    """The last thing that a log says."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4000))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
