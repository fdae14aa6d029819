"""Options have an address; shapes and settings are read with errors that say what to type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import SourceError, UsageError
from edgeroute.runner import shapes
from edgeroute.runner.request import Request, check_options, options_for, parse_settings
from edgeroute.types import Json, Tensor, option
from tests.core.graphs import catalog, edge


@dataclass(frozen=True)
class Knobs:
    border: str = option("uint8", "dtype at the border", choices=("uint8", "int8"))
    strict: bool = option(True, "be strict")
    count: int = option(3, "how many")
    names: tuple[str, ...] = option((), "which")
    others: Sequence[str] = option((), "which others")
    arguments: Mapping[str, Json] = option({}, "of a factory")
    limit: float | None = option(None, "limit")
    shapes: dict[str, tuple[int, ...]] = option({}, "pinned", fill="input_shapes")


EDGE = edge("quant", "a", "d", options=Knobs)
GRAPH = catalog("a d", EDGE)


def made(**values: str) -> Knobs:
    answer = options_for(EDGE, Request(options={"quant": values}), {"input_shapes": {"x": (1,)}})
    assert isinstance(answer, Knobs)
    return answer


def test_values_are_read_by_their_types() -> None:
    knobs = made(border="int8", strict="no", count="7", names="a, b", others="Erf", limit="0.5")
    assert (knobs.border, knobs.strict, knobs.count, knobs.names, knobs.limit) == ("int8", False, 7, ("a", "b"), 0.5)
    assert tuple(knobs.others) == ("Erf",)
    assert made(arguments='{"classes": 10, "name": "small"}').arguments == {"classes": 10, "name": "small"}
    assert made(shapes='{"x": [1, 3]}').shapes == {"x": (1, 3)}
    assert made(limit="none").limit is None


def test_edgeroute_fills_what_is_declared_so() -> None:
    assert made().shapes == {"x": (1,)}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("border", "uint9", "did you mean uint8"),
        ("strict", "perhaps", "strict=true"),
        ("count", "x", "count=8"),
        ("arguments", "classes=10", "--set quant.arguments='{"),
        ("arguments", "[10]", "--set quant.arguments='{"),
        ("shapes", '{"x": 3}', "--set quant.shapes='{"),
    ],
)
def test_a_bad_value_says_what_to_write(name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(**{name: value})
    assert said in caught.value.remedy


def test_unknown_options_and_converters_offer_the_nearest() -> None:
    with pytest.raises(UsageError, match="no option bordr") as caught:
        check_options(GRAPH, {"quant": {"bordr": 1}})
    assert "quant.border" in caught.value.remedy
    with pytest.raises(UsageError, match="no converter quand"):
        check_options(GRAPH, {"quand": {"border": 1}})


def test_settings_have_an_address() -> None:
    assert parse_settings(["ai-edge.x.border=a=b"]) == {"ai-edge.x": {"border": "a=b"}}
    for wrong in ("border=int8", "quant.border", ".x=1", "quant.=1"):
        with pytest.raises(UsageError) as caught:
            parse_settings([wrong])
        assert "--set tf-quantizer.border=int8" in caught.value.remedy


def test_shapes_are_read_with_and_without_a_name() -> None:
    assert shapes.parse(["x:1,3,8,8", "a:b:2", "1x3x4x4"]) == {"x": (1, 3, 8, 8), "a:b": (2,), "": (1, 3, 4, 4)}


@given(st.text(max_size=20))
def test_any_text_is_a_shape_or_a_usage_error(text: str) -> None:
    try:
        read = shapes.parse([text])
    except UsageError as error:
        assert "--input-shape" in error.remedy
    else:
        assert all(d > 0 for shape in read.values() for d in shape)


IMAGE = Tensor("x", (None, 3, None, 8), "float32", "NCHW")


def test_an_open_batch_becomes_one_and_other_dimensions_need_a_word() -> None:
    assert shapes.resolve([Tensor("x", (None, 3, 4, 4), "float32")], {})[0].shape == (1, 3, 4, 4)
    with pytest.raises(SourceError) as caught:
        shapes.resolve([IMAGE], {})
    assert caught.value.remedy == "add --input-shape x:1,3,320,8"


def test_pins_go_to_their_inputs() -> None:
    assert shapes.resolve([IMAGE], {"": (1, 3, 9, 8)})[0].shape == (1, 3, 9, 8)
    with pytest.raises(UsageError, match="no input y"):
        shapes.resolve([IMAGE], {"y": (1, 3, 9, 8)})
    with pytest.raises(UsageError, match="4 dimensions, not 2"):
        shapes.resolve([IMAGE], {"x": (1, 3)})
    with pytest.raises(UsageError, match="2 inputs"):
        shapes.resolve([IMAGE, Tensor("y", (1,), "float32")], {"": (1, 3, 9, 8)})


def test_all_open_inputs_are_told_at_once_with_what_to_type() -> None:
    inputs = (Tensor("input", (None, None), "float32"), Tensor("h", (2, None, 64), "float32"), Tensor("sr", (), "int64"))
    with pytest.raises(SourceError) as told:
        shapes.resolve(inputs, {})
    assert "--input-shape input:1,SIZE --input-shape h:2,1,64" in told.value.remedy
    assert "your application feeds for SIZE" in told.value.remedy
    with pytest.raises(SourceError, match="x leaves dimensions open") as told:
        shapes.resolve((Tensor("x", (None, 3, None, None), "float32"),), {})
    assert told.value.remedy == "add --input-shape x:1,3,320,320"
