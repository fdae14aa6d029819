"""Tests of what a plugin says: names, options, pins, symptoms, rules, and how fast it imports. Nothing is built or converted."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from edgeroute import codec, rules
from edgeroute.errors import EdgerouteError
from edgeroute.interpreters import parse_range
from edgeroute.requirements import parse
from edgeroute.resolve import resolve_function
from edgeroute.testing.child import ask
from edgeroute.testing.declared import declared
from edgeroute.testing.session import own_plugin
from edgeroute.types import Converter, Environment, Facts, Format, Symptom, Target, to_json
from edgeroute.workshop import Workshop

NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
FILLS = ("", "calibration", "input_shapes", "preprocess", "trust", "model_factory", "code_path", "signature", "input_range", "memo")
SECONDS = 1.0
"""An import that takes longer is felt by every command of every user."""


class Declarations:
    """Everything that can be said of a plugin without running a converter."""

    plugin: str

    def test_the_plugin_is_found_and_stays(self, contract_workshop: Workshop) -> None:
        said = declared(self.plugin)
        assert said.module is not None, f"{self.plugin} cannot be imported or asked: {said.reason}"
        own = own_plugin(contract_workshop, said)
        assert own is not None and own.status == "loaded", f"{self.plugin} is quarantined: {own.reason if own else 'not found'}"
        assert said.all or hasattr(said.module, "edgeroute_check"), f"{self.plugin} declares nothing"

    def test_the_plugin_imports_fast_and_nothing_heavy(self, tmp_path: Path) -> None:
        _assert_light(self.plugin, tmp_path, "move the import into run.py, into the function that needs it")

    def test_what_the_caller_runs_imports_only_the_standard_library(self, in_caller: str, tmp_path: Path) -> None:
        """Preflights and promises."""
        assert callable(resolve_function(in_caller)), in_caller
        _assert_light(in_caller.partition(":")[0], tmp_path, "it is called in the user's own process: decide from the facts alone")

    def test_what_the_worker_runs_is_there(self, in_worker: str) -> None:
        """Read, not imported: what it imports is in its environment only."""
        module, _, function = in_worker.partition(":")
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.origin, f"there is no module {module}"
        names = _top_level(Path(spec.origin))
        assert function in names, f"{module} has no function {function}; it has {', '.join(sorted(names))}"

    def test_names_are_kebab_case_and_titles_say_what_it_is(self, named: Any) -> None:
        assert NAME.fullmatch(named.name), f"{named.name!r}: small letters, digits and '-' only, so that it can be typed anywhere"
        if isinstance(named, (Format, Target)):
            assert named.title.strip(), f"{named.name} needs a title: `edgeroute list` shows it"

    def test_a_format_is_whole(self, format: Format) -> None:
        assert format.suffix == "" or format.suffix.startswith("."), f"{format.name}: the suffix starts with a dot"
        assert format.precision in ("float", "int8", "opaque"), f"{format.name}: precision is float, int8 or opaque"
        if format.promise:
            answer = resolve_function(format.promise)(Facts())
            assert isinstance(answer, list) and all(isinstance(a, str) for a in answer), f"{format.promise} must answer a list of texts"

    def test_options_have_defaults_and_docs(self, converter: Converter) -> None:
        hints = typing.get_type_hints(converter.options)
        for field in dataclasses.fields(converter.options):
            address = f"{converter.name}.{field.name}"
            assert field.metadata.get("help", "").strip(), f"{address} has no help: declare it with option(default, help)"
            assert field.metadata.get("fill", "") in FILLS, f"{address}: fill is one of {', '.join(FILLS[1:])}"
            assert field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING, f"{address} has no default"
            assert field.name in hints
        value = converter.options()
        assert getattr(converter.options, "__dataclass_params__").frozen, f"the options of {converter.name} must be frozen"  # noqa: B009
        assert to_json(codec.from_json(converter.options, to_json(value))) == to_json(value), (
            f"the options of {converter.name} do not survive JSON"
        )

    def test_a_cost_is_an_estimate(self, converter: Converter) -> None:
        cost = converter.cost
        assert 0 < cost.risk < 1 and 0 <= cost.loss <= 1 and cost.seconds >= 0, f"{converter.key}: risk and loss are shares of 1"

    def test_a_preflight_answers_findings_even_where_nothing_is_known(self, converter: Converter) -> None:
        if not converter.preflight:
            return
        answer = resolve_function(converter.preflight)(Facts(), converter.options())
        assert isinstance(answer, list), f"{converter.preflight} must answer a list of findings"
        assert all(f.remedy.strip() and f.code for f in answer)

    def test_symptoms_have_remedies(self, symptom: tuple[Converter, Symptom]) -> None:
        converter, known = symptom
        groups = re.compile(known.pattern, re.MULTILINE).groups
        assert known.message.strip() and known.remedy.strip(), f"{converter.name}: symptom {known.code} needs a message and a remedy"
        assert NAME.fullmatch(known.code), f"{converter.name}: the code {known.code!r} of a symptom is kebab-case"
        used = [int(n) for n in re.findall(r"\{(\d+)\}", known.message + known.remedy)]
        assert all(n < groups for n in used), (
            f"{converter.name}: symptom {known.code} fills {{{max(used, default=0)}}}, but has {groups} groups"
        )

    def test_requirements_are_pinned(self, environment: Environment) -> None:
        parse_range(environment.python)
        for text in (*environment.requirements, *environment.no_deps):
            requirement = parse(text)
            pinned = requirement.url is not None or any(s.operator in ("==", "===") for s in requirement.specifier)
            assert pinned, f"{environment.name}: pin {text} (name==version), or tomorrow's release changes everybody's results"
        for text in environment.accepts:
            parse(text)

    def test_a_target_has_rules_that_can_be_explained(self, target: Target) -> None:
        assert target.accepts, f"{target.name} accepts nothing"
        if not target.rules:
            return
        own = rules.rules_of(target)
        assert own, f"no rule of {target.rules} has {target.name} in its scope"
        for rule in own:
            texts = {name: getattr(rule, name) for name in ("title", "condition", "why", "remedy")}
            empty = [name for name, text in texts.items() if not text.strip()]
            assert not empty and rule.source, f"rule {rule.code} says nothing as {', '.join(empty) or 'source'}"
            assert rule.in_files or rule.reason, f"rule {rule.code} cannot be seen in a file: `reason` must say why"


def _assert_light(module: str, folder: Path, remedy: str) -> None:
    try:
        found = ask("edgeroute.testing.probe:imports", {"module": module}, folder, module)
    except EdgerouteError as error:
        pytest.fail(f"{module} cannot be imported in a fresh process: {error}")
    assert not found["heavy"], f"importing {module} also imports {', '.join(found['heavy'])}: {remedy}"
    assert found["seconds"] < SECONDS, f"importing {module} takes {found['seconds']:.1f} s: {remedy}"


def _top_level(file: Path) -> set[str]:
    """Names that a module's source binds at its top level."""
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {a.asname or a.name for a in node.names}
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names
