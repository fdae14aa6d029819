"""Tests that build environments and run converters: they need a network once, and minutes. `pytest -m "not real"` leaves them out."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeroute import planner, rules
from edgeroute.errors import PlanError, SourceError
from edgeroute.explain import explain_error
from edgeroute.jobs import run_job
from edgeroute.recognize import recognize
from edgeroute.runner import measure
from edgeroute.runner.convert import convert
from edgeroute.runner.diagnose import failure
from edgeroute.runner.request import Request
from edgeroute.testing.conduct import GARBAGE, Sample, place_sample
from edgeroute.testing.session import ARRIVAL
from edgeroute.types import Artifact, ConversionResult, Converter, Environment, Job, Limits, Outcome, Severity, StepRecord, Target
from edgeroute.workshop import Workshop

BAD = {**GARBAGE, "half of it": b""}
SECONDS = 900.0


@dataclass(frozen=True)
class Converted:
    """One conversion of a tiny model that ended with the converter under test."""

    result: ConversionResult
    step: StepRecord
    source: Artifact
    """What the converter was given."""

    def job(self) -> Job:
        """Its job once more, without source and out."""
        told = json.loads((Path(self.step.folder) / "job.json").read_text(encoding="utf-8"))
        return Job(told["kind"], told["function"], told["arguments"], told["options_type"], told["code"], told["offline"])


class Work:
    """What a converter must do when it is run."""

    plugin: str
    samples: Mapping[str, Sample] = {}
    """Format → a tiny model of it, or a function that writes one into a folder. Edges from formats that these lead to are tested too."""
    requests: Mapping[str, Mapping[str, Any]] = {}
    """Converter or target → fields of `runner.request.Request` for its conversions (calibrate, options, allow_degraded, …)."""
    elsewhere: tuple[str, ...] = ()
    """Formats that no sample leads to; their runner is tested by other tests."""
    calibrate: Path | None = None
    """Calibration data for all of them; random without."""

    @pytest.mark.real
    def test_the_environment_builds(self, environment: Environment, contract_workshop: Workshop) -> None:
        contract_workshop.environments.ensure(environment.name)
        errors = [f for f in contract_workshop.environments.check(environment.name) if f.severity == Severity.ERROR]
        assert not errors, errors

    @pytest.mark.real
    def test_a_tiny_model_converts_and_verifies(self, converter: Converter, contract_workshop: Workshop, tmp_path: Path) -> None:
        done = self._converted(contract_workshop, converter, tmp_path)
        assert done.step.status in ("passed", "degraded") and done.step.artifact is not None
        runner = contract_workshop.catalog.runner(converter.target)
        opaque = contract_workshop.catalog.formats[converter.target].precision == "opaque"
        verification = done.step.verification
        measured = verification is not None and verification.status != "unmeasured"
        assert measured or opaque, f"nothing executes {converter.target}: declare a Runner for it, or its precision as opaque ({runner})"
        assert all(f.remedy.strip() for f in done.result.findings)

    @pytest.mark.real
    def test_it_writes_only_into_its_folder(
        self, converter: Converter, contract_workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = self._converted(contract_workshop, converter, tmp_path)
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        outcome = self._again(contract_workshop, converter, done, tmp_path / "watched", watched=True)
        assert outcome.status == "ok", outcome.error
        assert not outcome.value["strays"], f"{converter.key} wrote outside of its folder: {', '.join(outcome.value['strays'])}"
        assert not list(home.iterdir()), f"{converter.key} left {', '.join(p.name for p in home.iterdir())} in the user's home"

    @pytest.mark.real
    @pytest.mark.parametrize("kind", BAD)
    def test_it_refuses_bad_input(self, converter: Converter, kind: str, contract_workshop: Workshop, tmp_path: Path) -> None:
        done = self._converted(contract_workshop, converter, tmp_path)
        if done.source.path.is_dir():
            return
        content = BAD[kind] or (done.source.path.read_bytes()[: done.source.bytes // 2] if kind == "half of it" else b"")
        folder = tmp_path / "bad"
        outcome = self._again(contract_workshop, converter, done, folder, content)
        assert outcome.status != "timeout", f"{converter.key} does not come to an end on {kind}"
        if outcome.status == "ok":
            with pytest.raises(SourceError):
                recognize(_out(contract_workshop, converter, folder), contract_workshop.plugins, contract_workshop.catalog)
            return
        told = failure(converter, outcome, folder)
        assert told.message.strip() and told.remedy.strip()

    @pytest.mark.real
    def test_a_runner_opens_what_it_says(self, runs: tuple[Any, str], contract_workshop: Workshop, tmp_path: Path) -> None:
        runner, name = runs
        if contract_workshop.catalog.formats[name].precision == "opaque" or name in self.elsewhere:
            return
        artifact = self._artifact(contract_workshop, name, tmp_path)
        seen = measure.smoke(contract_workshop, artifact, runner_of(contract_workshop, runner.name))
        assert seen.status != "failed", f"{runner.name} does not run a {name} file: {[f.message for f in seen.findings]}"

    @pytest.mark.real
    def test_a_tiny_model_reaches_the_target(self, target: Target, contract_workshop: Workshop, tmp_path: Path) -> None:
        model = self._nearest(contract_workshop, target.name, tmp_path)
        result = self._convert(contract_workshop, model, target.name, target.name, tmp_path)
        assert result.status in ("succeeded", "degraded", "handed-over")
        assert result.validation is not None
        assert result.validation.ok, [f.message for f in result.validation.findings]
        known = rules.all_rules([target])
        for finding in result.validation.findings:
            explained = finding.code in known or explain_error(finding.code, contract_workshop.catalog) is not None
            assert explained, f"nothing explains {finding.code}: add it to the rules of {target.name}"

    def _converted(self, workshop: Workshop, converter: Converter, folder: Path) -> Converted:
        """The tiny model through this edge; a tool that only its vendor has is the one thing that may be missing."""
        if converter.tool and workshop.environments.state(converter.tool).closed:
            pytest.skip(workshop.environments.state(converter.tool).reason)
        source = self._artifact(workshop, converter.source, folder)
        result = self._convert(workshop, source.path, f"{ARRIVAL}{converter.target}", converter.name, folder, (converter.key,))
        step = next(s for s in result.steps if s.key == converter.key)
        before = result.steps[: result.steps.index(step)]
        given = before[-1].artifact if before else result.source
        assert given is not None
        return Converted(result, step, given)

    def _convert(
        self, workshop: Workshop, model: Path, target: str, name: str, folder: Path, via: tuple[str, ...] = ()
    ) -> ConversionResult:
        out = folder / "delivered" / "result"
        out.mkdir(parents=True, exist_ok=True)
        fields = {"calibrate": self.calibrate, "out": out, "via": via, "limits": Limits(SECONDS), **self.requests.get(name, {})}
        return convert(workshop, model, target, Request(**fields))

    def _artifact(self, workshop: Workshop, format_name: str, folder: Path) -> Artifact:
        """A tiny model of a format: a sample, or what other edges make of one."""
        if format_name in self.samples:
            path = place_sample(self.samples[format_name], folder / "sample")
            found = recognize(path, workshop.plugins, workshop.catalog)
            return dataclasses.replace(found, format=format_name)
        model = self._nearest(workshop, f"{ARRIVAL}{format_name}", folder)
        result = self._convert(workshop, model, f"{ARRIVAL}{format_name}", "", folder / "way")
        assert result.artifact is not None
        return result.artifact

    def _nearest(self, workshop: Workshop, target: str, folder: Path) -> Path:
        """The sample from which the cheapest route leads to a target."""
        costs: dict[str, float] = {}
        for name in self.samples:
            try:
                costs[name] = planner.plan(workshop.catalog, name, target, k=1).routes[0].cost
            except PlanError:
                continue
        if not costs:
            pytest.fail(
                f"none of the samples ({', '.join(self.samples) or 'there are none'}) leads to {target.removeprefix(ARRIVAL)}: add one"
            )
        return place_sample(self.samples[min(costs, key=lambda n: costs[n])], folder / "sample")

    def _again(
        self,
        workshop: Workshop,
        converter: Converter,
        done: Converted,
        folder: Path,
        content: bytes | None = None,
        *,
        watched: bool = False,
    ) -> Outcome:
        """The converter's job once more in a folder of its own, on other bytes or under observation."""
        source = folder / "in" / done.source.path.name
        source.parent.mkdir(parents=True)
        if content is not None:
            source.write_bytes(content)
        elif done.source.path.is_dir():
            shutil.copytree(done.source.path, source)
        else:
            for file in (done.source.path, *done.source.files):
                shutil.copyfile(file, source.parent / file.name)
        out = _out(workshop, converter, folder)
        out.parent.mkdir()
        job = done.job()
        arguments = {**job.arguments, "source": str(source), "out": str(out)}
        job = dataclasses.replace(job, arguments=arguments)
        if watched:
            job = Job("call", "edgeroute.testing.probe:watched", _watching(job, folder), code=job.code)
        python = workshop.environments.ensure(converter.environment).python
        return run_job(python, job, folder, Limits(SECONDS))


def _watching(job: Job, folder: Path) -> dict[str, Any]:
    return {"function": job.function, "arguments": dict(job.arguments), "options_type": job.options_type, "allowed": [str(folder)]}


def _out(workshop: Workshop, converter: Converter, folder: Path) -> Path:
    return folder / "out" / f"model{workshop.catalog.formats[converter.target].suffix}"


def runner_of(workshop: Workshop, name: str) -> Any:
    """A runner as the catalog has it, with the code that the worker needs."""
    return next(r for r in workshop.catalog.runners if r.name == name)
