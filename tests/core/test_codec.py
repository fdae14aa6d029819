"""JSON and back, for every noun that crosses a border."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeroute.codec import from_json
from edgeroute.errors import EdgerouteError, PluginError, UsageError
from edgeroute.types import (
    Artifact,
    Calibration,
    ConversionResult,
    Converter,
    Facts,
    Finding,
    Job,
    Limits,
    NoOptions,
    Outcome,
    OutputFidelity,
    Plan,
    Preprocess,
    Route,
    StepRecord,
    Tensor,
    ValidationReport,
    Verification,
    option,
    to_json,
)

NOUNS = (Artifact, Calibration, ConversionResult, Facts, Finding, Job, Limits, Outcome, OutputFidelity, Plan, Preprocess)
NOUNS += (Route, StepRecord, Tensor, ValidationReport, Verification, Converter)

TEXT = st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
    Path: TEXT.map(Path),
    type: st.just(NoOptions),
    Any: JSON,
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a type hint of our nouns allows."""
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(a) for a in arguments])
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is not None:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    return nouns(hint)


def nouns(cls: type) -> st.SearchStrategy[Any]:
    """Any instance of a dataclass."""
    hints = typing.get_type_hints(cls)
    fields = {f.name: values(hints[f.name]) for f in dataclasses.fields(cls)}
    if cls is Finding:
        fields["remedy"] = st.text(alphabet="abc", min_size=1, max_size=4)
    return st.builds(cls, **fields)


@pytest.mark.parametrize("cls", NOUNS, ids=lambda c: c.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_to_json_writes_is_read_back_as_the_same_noun(cls: type, data: st.DataObject) -> None:
    noun = data.draw(nouns(cls))
    assert from_json(cls, json.loads(json.dumps(to_json(noun)))) == noun


@dataclass(frozen=True)
class Options:
    """The options of a made-up converter."""

    calibration: Calibration | None = None
    preprocess: Preprocess = Preprocess()
    backend: str = option("fast", "which writer", choices=("fast", "slow"))
    shapes: Mapping[str, tuple[int, ...]] = option({}, "input → shape")
    extra: Path | None = option(None, "a file")
    sizes: tuple[int, float] = option((1, 2.0), "a pair")
    level: Literal["a", 1] = option("a", "a level")


def test_options_are_built_with_nested_nouns() -> None:
    calibration = Calibration(Path("cal"), ("x",), 8, held_back=2)
    options = from_json(
        Options, {"calibration": to_json(calibration), "preprocess": {"mean": [0.5, 1]}, "shapes": {"x": [1, 3]}, "extra": "f"}
    )
    assert options == Options(calibration, Preprocess(mean=(0.5, 1.0)), shapes={"x": (1, 3)}, extra=Path("f"))


def test_the_defaults_come_from_the_class() -> None:
    assert from_json(Options, {}) == Options()


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ({"backand": "fast"}, "unknown-field", "did you mean 'backend'"),
        ({"backend": "quick"}, "bad-value", "one of 'fast', 'slow'"),
        ({"backend": 3}, "bad-value", "Options.backend"),
        ({"preprocess": {"scale": "big"}}, "bad-value", "Options.preprocess.scale"),
        ({"preprocess": {"mean": [1, True]}}, "bad-value", r"Options.preprocess.mean[1]"),
        ({"calibration": {"path": "x", "names": []}}, "missing-field", "count"),
        ({"sizes": [1, 2, 3]}, "bad-value", "a list of 2"),
        ({"shapes": [1]}, "bad-value", "a mapping"),
        ({"level": "b"}, "bad-value", "one of 'a', 1"),
        ([], "bad-value", "fields of Options"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_its_place(data: Any, code: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_json(Options, data)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_an_integer_is_not_a_truth_value_nor_the_reverse() -> None:
    with pytest.raises(UsageError):
        from_json(Preprocess, {"known": 1})
    with pytest.raises(UsageError):
        from_json(Limits, {"megabytes": True})


def test_a_float_that_json_cannot_hold_becomes_nan_unless_none_is_allowed() -> None:
    fidelity = OutputFidelity("y", (1,), 0.0, 0.0, math.inf, 1.0, 1.0, 1.0)
    read = from_json(OutputFidelity, to_json(fidelity))
    assert math.isnan(read.sqnr_db)
    assert read.top1 is None


def test_a_class_is_looked_up_but_never_imported() -> None:
    data = to_json(Converter("c", "a", "b", "m:f"))
    data["options"] = "antigravity:Options"
    with pytest.raises(UsageError) as caught:
        from_json(Converter, data)
    assert caught.value.code == "unknown-class"


def test_a_hint_that_cannot_be_read_blames_the_plugin() -> None:
    @dataclass(frozen=True)
    class Broken:
        x: Nowhere  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(PluginError):
        from_json(Broken, {"x": 1})


@given(data=JSON)
def test_arbitrary_json_is_decoded_or_refused_but_never_crashes(data: Any) -> None:
    try:
        Facts() if data is None else from_json(Facts, data)
    except EdgerouteError as error:
        assert error.remedy
    except ValueError as error:
        assert "remedy is not optional" in str(error)
