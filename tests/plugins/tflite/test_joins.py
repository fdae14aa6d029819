"""Which parts a concat put into one output, read from the file alone."""

from __future__ import annotations

import struct

import pytest

from edgeroute_plugins.tflite.joins import joins
from edgeroute_plugins.tflite.reader import parse
from tests.plugins.tflite.flat import code, model, operator, tensor

CONCATENATION, LOGISTIC, TRANSPOSE, CONV, QUANTIZE = 2, 14, 39, 3, 114


def head(*behind: tuple[int, tuple[int, ...]]) -> bytes:
    """Boxes [1, 4, 50] and scores [1, 18, 50] joined; then one operator after another, each with its result's shape."""
    parts = [
        tensor("boxes", (1, 4, 50)),
        tensor("scores", (1, 18, 50)),
        tensor("joined", (1, 22, 50)),
        tensor("turn", (3,), "int32", buffer=1),
    ]
    operators, codes = [operator(0, [0, 1], [2])], [code(CONCATENATION)]
    for builtin, shape in behind:
        parts.append(tensor(f"after{len(parts)}", shape))
        last = len(parts) - 2 if len(parts) > 5 else 2
        operators.append(operator(len(codes), [last, 3] if builtin == TRANSPOSE else [last], [len(parts) - 1]))
        codes.append(code(builtin))
    end = len(parts) - 1 if behind else 2
    return model(parts, operators, codes, inputs=(0, 1), outputs=(end,), buffers=[{}, {0: struct.pack("<3i", 0, 2, 1)}])


@pytest.mark.parametrize(
    ("behind", "axis"),
    [
        ((), 1),
        (((LOGISTIC, (1, 22, 50)), (QUANTIZE, (1, 22, 50))), 1),
        (((TRANSPOSE, (1, 50, 22)),), 2),
        (((QUANTIZE, (1, 22, 50)), (TRANSPOSE, (1, 50, 22)), (QUANTIZE, (1, 50, 22))), 2),
    ],
)
def test_a_concat_is_seen_through_what_works_on_single_elements(behind: tuple[tuple[int, tuple[int, ...]], ...], axis: int) -> None:
    assert joins(parse(head(*behind))) == [{"output": 0, "axis": axis, "sizes": [4, 18]}]


def test_a_convolution_behind_it_mixes_the_parts() -> None:
    assert joins(parse(head((CONV, (1, 22, 50))))) == []


def test_an_output_that_nothing_makes_has_no_parts() -> None:
    assert joins(parse(model([tensor("a")], [], [], outputs=(0,)))) == []
