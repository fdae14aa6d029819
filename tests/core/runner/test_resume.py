"""A conversion that was interrupted goes on from its last verified step, and leaves no garbage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import edgeroute
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.workshop import Workshop

DRIVER = """
import sys
from pathlib import Path
from edgeroute.cache import Cache
from edgeroute.catalog import build
from edgeroute.environments import Environments
from edgeroute.plugins import Plugins, discover
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.workshop import Workshop

toy, home, model = map(Path, sys.argv[1:4])
plugins = Plugins([p for p in discover([toy]).all if p.name == "toyplugin"])
catalog = build(plugins)
workshop = Workshop(plugins, catalog, Environments(home / "environments", catalog.environments), Cache(home))
request = Request(out=model.with_name("out.toy"), options={"first-bc": {"mood": sys.argv[4]}})
result = convert(workshop, model, "toy-device", request)
print(result.status, *(s.cached for s in result.steps))
"""
TOY = Path(__file__).with_name("toyplugin.py")
ENVIRON = {**os.environ, "PYTHONPATH": str(Path(edgeroute.__file__).parents[1])}


def command(home: Path, model: Path, mood: str) -> list[str]:
    return [sys.executable, "-c", DRIVER, str(TOY), str(home), str(model), mood]


@contextmanager
def hanging_in_the_second_step(workshop: Workshop, model: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that converts, and is in the middle of step 2."""
    home = workshop.cache.root
    with subprocess.Popen(command(home, model, "hangs"), env=ENVIRON) as child:
        deadline = time.monotonic() + 60
        while not (verified_steps(home) and list(home.glob("staging/*/scratch/caches")) + list(home.glob("staging/*/out"))):
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)
        yield child
        child.kill()


def verified_steps(home: Path) -> list[Path]:
    return [p for p in home.glob("steps/*/entry.json") if json.loads(p.read_text())["verifications"]]


def go_on(workshop: Workshop, model: Path) -> str:
    """The same again, in a mood that does not hang: status, and which steps came from the cache."""
    done = subprocess.run(command(workshop.cache.root, model, "good"), env=ENVIRON, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_goes_on_from_the_last_verified_step(workshop: Workshop, model: Path, number: signal.Signals) -> None:
    with hanging_in_the_second_step(workshop, model) as child:
        child.send_signal(number)
        assert child.wait(20) != 0
    home = workshop.cache.root
    assert not model.with_name("out.toy").exists()
    assert not (home / "failed").exists()
    assert go_on(workshop, model) == "succeeded True False"
    assert list((home / "staging").iterdir()) == []
    assert sorted(p.name for p in model.parent.iterdir() if p.name.startswith(".")) == []


def test_the_tool_dies_with_a_killed_conversion(workshop: Workshop, model: Path) -> None:
    with hanging_in_the_second_step(workshop, model) as child:
        workers = _descendants(child.pid)
        assert workers
        child.kill()
        child.wait()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() and "Z" not in _state(pid) for pid in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_running_conversion_is_left_alone(workshop: Workshop, model: Path) -> None:
    with hanging_in_the_second_step(workshop, model):
        before = sorted(p.name for p in (workshop.cache.root / "staging").iterdir())
        other = model.with_name("other.toy")
        other.write_text(json.dumps({"kind": "toy-a", "factor": 3.0}))
        convert(workshop, other, "toy-device", Request(out=model.with_name("other.out")))
        assert sorted(p.name for p in (workshop.cache.root / "staging").iterdir()) == before


def _descendants(pid: int) -> list[int]:
    found = [int(c) for task in Path(f"/proc/{pid}/task").iterdir() for c in (task / "children").read_text().split()]
    return found + [d for child in found for d in _descendants(child)]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
