"""The smallest part of a model on which a failed step fails in the same way, searched for within a time limit."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeroute.codec import from_json
from edgeroute.errors import ConverterFailed, EdgerouteError
from edgeroute.files import read_json, write_json
from edgeroute.jobs import JOB, run_job
from edgeroute.runner.diagnose import failure
from edgeroute.types import Artifact, Converter, Job, Limits, Runner, to_json
from edgeroute.workshop import Workshop

PART = "smallest"
JOB_PART = "job-smallest.json"
README = "README.md"
HOW_TO_LOOK = "To find the smallest part of an ONNX model that fails in the same way, convert again with `--bisect 300` (seconds)."
"""What the kept folder's page says as long as nobody has looked."""


@dataclass
class Attempts:
    """Runs the step on parts of the model, and remembers what came of it."""

    workshop: Workshop
    runner: Runner
    converter: Converter
    source: Artifact
    kept: Path
    """The folder that the failed step left."""
    code: str
    """Of the failure that is looked for."""
    until: float
    limits: Limits
    tried: dict[tuple[int, ...], bool] = field(default_factory=dict)

    @property
    def left(self) -> float:
        return self.until - time.monotonic()

    def fails(self, keep: Sequence[int]) -> bool:
        """Whether these operators alone make the step fail in the same way; never once time is up."""
        key = tuple(keep)
        if key not in self.tried:
            self.tried[key] = self.left > 0 and self._fails(key)
        return self.tried[key]

    def _fails(self, keep: tuple[int, ...]) -> bool:
        folder = self.workshop.cache.stage("smallest")
        try:
            (folder / "in").mkdir()
            model = folder / "in" / self.source.path.name
            if self.write(model, keep) is None:
                return False
            (folder / "out").mkdir()
            job = from_json(Job, read_json(self.kept / JOB))
            code = {name: str(self.kept / place) for name, place in job.code.items()}
            job = dataclasses.replace(job, code=code, arguments={**job.arguments, "source": f"in/{model.name}"})
            _link_samples(self.kept, folder)
            ready = self.workshop.environments.ensure(self.converter.environment)
            limits = dataclasses.replace(self.limits, seconds=max(1.0, min(self.limits.seconds, self.left)))
            outcome = run_job(ready.python, job, folder, limits)
            return outcome.status != "ok" and failure(self.converter, outcome, folder).code == self.code
        finally:
            self.workshop.cache.drop(folder)

    def write(self, model: Path, keep: Sequence[int]) -> list[str] | None:
        """Cut a part out; the model's operators by name, or None where that cannot be done."""
        folder = self.workshop.cache.stage("part")
        try:
            paths = {"model": str(self.source.path.absolute()), "out": str(model)}
            arguments = {"function": self.runner.part, "paths": paths, "values": {"keep": list(keep)}}
            outcome = self.workshop.call(
                "edgeroute.resolve:call_with_paths", arguments, self.runner.environment, folder, self.runner.code
            )  # fmt: skip
            return list(outcome.value) if outcome.status == "ok" else None
        finally:
            self.workshop.cache.drop(folder)


def reduce(
    workshop: Workshop, converter: Converter, source: Artifact, kept: Path, error: EdgerouteError, seconds: float, limits: Limits
) -> EdgerouteError:
    """The error again, naming the smallest part that was found; as it was where nothing can be cut or nothing smaller fails alike.

    The part lies in the kept folder, with a job of its own: `sh run.sh job-smallest.json`.
    """
    runner = workshop.catalog.runner(source.format)
    if runner is None or not runner.part or not isinstance(error, ConverterFailed) or not (kept / JOB).exists():
        return error
    attempts = Attempts(workshop, runner, converter, source, kept, error.code, time.monotonic() + seconds, limits)
    workshop.progress(f"{converter.name}: looking for the smallest part that fails, at most {seconds:g} s", None)
    names = attempts.write(kept / f"{PART}{source.path.suffix}", [])
    if not names:
        return error
    found = smallest(len(names), attempts.fails)
    if len(found) == len(names):
        return error
    _leave(attempts, found, [names[i] for i in found])
    return _told(error, kept, [names[i] for i in found], len(names))


def smallest(count: int, fails: Callable[[Sequence[int]], bool]) -> list[int]:
    """Places of operators that still fail, few of them: bisects for the last one that matters, then for the first, then drops single ones.

    Asks `fails` about O(log n) parts plus one per operator that is left; answers all places when the whole does not fail.
    """
    end = _bisect(count, lambda n: fails(range(n)))
    if end is None:
        return list(range(count))
    if fails([end - 1]):
        return [end - 1]
    length = _bisect(end, lambda n: fails(range(end - n, end))) or end
    kept = list(range(end - length, end))
    for place in list(kept[:-1]):
        fewer = [k for k in kept if k != place]
        kept = fewer if fails(fewer) else kept
    return kept


def _bisect(count: int, fails: Callable[[int], bool]) -> int | None:
    """The smallest number that fails, if a larger one then does too; None where `count` itself does not."""
    if not fails(count):
        return None
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(middle) else (middle, high)
    return high


def _link_samples(kept: Path, folder: Path) -> None:
    if (kept / "calibration").exists():
        shutil.copytree(kept / "calibration", folder / "calibration")


def _leave(attempts: Attempts, found: Sequence[int], names: Sequence[str]) -> None:
    kept, suffix = attempts.kept, attempts.source.path.suffix
    attempts.write(kept / f"{PART}{suffix}", found)
    job = from_json(Job, read_json(kept / JOB))
    arguments = {**job.arguments, "source": f"{PART}{suffix}"}
    write_json(kept / JOB_PART, to_json(dataclasses.replace(job, arguments=arguments)))
    page = kept / README
    found_here = f"`{PART}{suffix}` is the smallest part that was found to fail in the same way: `sh run.sh {JOB_PART}`."
    page.write_text(page.read_text(encoding="utf-8").replace(HOW_TO_LOOK, found_here), encoding="utf-8")
    write_json(kept / f"{PART}.json", {"operators": list(names), "tried": len(attempts.tried), "code": attempts.code})


def _told(error: EdgerouteError, kept: Path, names: Sequence[str], count: int) -> EdgerouteError:
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    remedy = f"{error.remedy}; {len(names)} of {count} operators suffice to repeat it ({shown}): `sh {kept}/run.sh {JOB_PART}`"
    return type(error)(error.message, remedy=remedy, where=error.where, code=error.code)
