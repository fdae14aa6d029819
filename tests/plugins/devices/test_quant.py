"""Scales that kernels take for granted, operator by operator (TFL-018, TFL-020), and shapes that VeriSilicon's delegate refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.devices.builder import Net, S
from tests.plugins.devices.cases_tflite import start, then
from tests.plugins.devices.holding import Held, codes, only, report


def split(*scales: float) -> bytes:
    net, x = start()
    trunk = net.conv(x, 16)
    outputs = [net.tensor((1, 8, 8, 16 // len(scales)), "int8", scale) for scale in scales]
    net.op("SPLIT", [net.numbers([3]), trunk], outputs, num_splits=len(scales))
    return net.build(*outputs)


@pytest.mark.parametrize(("scales", "broken"), [((S, S), False), ((2 * S, S), True), ((S, 2 * S), True)])
def test_every_part_of_a_split_keeps_the_scale(scales: tuple[float, ...], broken: bool, tmp_path: Path) -> None:
    assert ("TFL-018" in codes(report(Held(split(*scales), "artpec8"), tmp_path))) == broken


@pytest.mark.parametrize(("dtype", "broken"), [("int8", True), ("uint8", False)])
def test_only_the_uint8_kernel_rescales_what_it_joins(dtype: str, broken: bool, tmp_path: Path) -> None:
    net = Net()
    a, b = net.input((1, 8, 8, 16), dtype, S), net.input((1, 8, 8, 16), dtype, 2 * S)
    net.plain("CONCATENATION", a, b, shape=(1, 8, 8, 32), axis=3)
    assert ("TFL-018" in codes(report(Held(net.build(), "cpu"), tmp_path))) == broken


def test_sixteen_bit_values_are_copied_too(tmp_path: Path) -> None:
    net = Net()
    x = net.input((1, 8, 8, 16), "int16", S)
    net.plain("MAX_POOL_2D", x, shape=(1, 4, 4, 16), scale=2 * S, filter_height=2, filter_width=2, stride_h=2, stride_w=2)
    assert "TFL-018" in codes(report(Held(net.build(), "cpu"), tmp_path))


@pytest.mark.parametrize(("weights", "zero", "broken"), [("int8", 3, True), ("int8", 0, False), ("uint8", 3, False)])
def test_only_weights_of_tensorflow_1_have_a_zero_point(weights: str, zero: int, broken: bool, tmp_path: Path) -> None:
    net = Net()
    net.conv(net.input((1, 8, 8, 3), weights, S), 16, weight_zero=zero)
    assert ("TFL-020" in codes(report(Held(net.build(), "cpu"), tmp_path))) == broken


@pytest.mark.parametrize(("fill", "refused"), [(1, True), (0, False)])
def test_a_bias_of_zeros_is_right_in_any_scale(fill: int, refused: bool, tmp_path: Path) -> None:
    """TensorFlow lets layers without a bias share one; Arm's driver compares the scale all the same."""
    data = then(lambda net, x: net.conv(x, 16, bias_scale=2 * S * S, bias_fill=fill))
    assert ("TFL-020" in codes(report(Held(data, "cpu"), tmp_path))) == refused
    assert "A9-014" in codes(report(Held(data, "artpec9"), tmp_path))


def test_an_empty_dimension_leaves_artpec8s_dlpu(tmp_path: Path) -> None:
    answer = report(Held(then(lambda net, x: net.plain("RESHAPE", x, net.numbers([0, 16]), shape=(0, 16))), "artpec8"), tmp_path)
    assert "[0, 16]" in only(answer, "A8-016").message
