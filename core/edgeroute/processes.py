"""A child process with everything that it starts: how much memory they hold, and how to be rid of all of them.

Reads /proc; elsewhere asks `ps`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")
MARK = "EDGEROUTE_JOB"
"""Environment variable that every descendant of a job inherits: it finds those that left the process group."""


def _read(path: str) -> str:
    """A file of /proc; empty when the process is gone meanwhile."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123  (called many times a second)
            return file.read()
    except OSError:
        return ""


def tree(pid: int, most: int = 100_000) -> list[int]:
    """A process and its descendants; the walk ends above `most`, for a fork bomb grows faster than anybody can count it."""
    found = [pid]
    for process in found:
        if len(found) > most:
            break
        try:
            threads = os.listdir(f"/proc/{process}/task")  # noqa: PTH208  (called many times a second)
        except OSError:
            continue
        for thread in threads:
            found += [int(child) for child in _read(f"/proc/{process}/task/{thread}/children").split()]
    return found


def resident_mb(pids: list[int]) -> float:
    """Sum of the resident memory; what processes share counts for each of them."""
    pages = 0
    for pid in pids:
        fields = _read(f"/proc/{pid}/statm").split()
        pages += int(fields[1]) if fields else 0
    return pages * PAGE / (1 << 20)


def proportional_mb(pids: list[int]) -> float:
    """Sum of the memory, with what processes share counted once; slow (milliseconds per process)."""
    kilobytes = 0
    for pid in pids:
        lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def tree_by_ps(pid: int) -> tuple[list[int], float]:
    """The same two answers where there is no /proc."""
    text = subprocess.run(["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=False).stdout
    rows = [(int(a), int(b), int(c)) for a, b, c in (line.split() for line in text.splitlines())]
    found = [pid]
    for process in found:
        found += [child for child, parent, _ in rows if parent == process]
    return found, sum(rss for process, _, rss in rows if process in found) / 1024


def measure(pid: int, most: int = 100_000) -> tuple[list[int], float]:
    """The processes of a tree and their resident memory in MB; of more than `most` only the first are looked at, and no memory."""
    if not PROC.joinpath("self").exists():
        return tree_by_ps(pid)
    pids = tree(pid, most)
    return pids, resident_mb(pids) if len(pids) <= most else 0.0


def marked(mark: str) -> list[int]:
    """Processes that inherited this mark, wherever they moved in the process tree."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in os.listdir(PROC) if PROC.exists() else ():  # noqa: PTH208
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                if wanted in file.read():
                    found.append(int(name))
    return found


def signal_group(group: int, number: int) -> bool:
    """Whether there was anybody in the group to signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end(child: subprocess.Popen[bytes], mark: str, grace: float = 0.0) -> None:
    """Kill a child, its process group, and whatever left that.

    With a grace (seconds) it asks first, so that the client of a container can stop its container.
    """
    if grace and signal_group(child.pid, signal.SIGTERM):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    signal_group(child.pid, signal.SIGKILL)
    for _ in range(100):
        strays = marked(mark)
        if not strays:
            return
        for pid in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


class Waiter:
    """Waits for a child without burning time: wakes at once when it ends, where the kernel can do that."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        self.handle = os.pidfd_open(child.pid) if hasattr(os, "pidfd_open") else -1

    def ended(self, seconds: float) -> bool:
        """Whether the child has ended, waiting at most so long."""
        if self.handle >= 0:
            poll = select.poll()
            poll.register(self.handle, select.POLLIN)
            poll.poll(seconds * 1000)
            return self.child.poll() is not None
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
