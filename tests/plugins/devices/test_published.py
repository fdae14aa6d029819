"""Published Edge TPU files come out as they behave in reality: the estimate before compilation against the compiled twin.

Google's files stand beside a clone (`../shared/fixtures/edgetpu`, or the folder that EDGEROUTE_FIXTURES names). Where they do not, crafted
pairs of the same kind are held against the same statements.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeroute.types import Json
from tests.plugins.devices.builder import Net, S, edgetpu, package
from tests.plugins.devices.cases_tflite import start
from tests.plugins.devices.holding import Held, codes, report

FOLDER = Path(os.environ.get("EDGEROUTE_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures")) / "edgetpu"


@dataclass(frozen=True)
class Pair:
    name: str
    before: bytes
    after: bytes
    mapped: int
    left: int
    cached: int


def real() -> list[Pair]:
    known = [("deeplabv3_mnv2_dm05_pascal_quant", 64, 8, 766720), ("mobilenet_v1_0.25_128_quant", 31, 0, 566912)]
    return [
        Pair(name, (FOLDER / f"{name}.tflite").read_bytes(), (FOLDER / f"{name}_edgetpu.tflite").read_bytes(), mapped, left, cached)
        for name, mapped, left, cached in known
        if (FOLDER / f"{name}_edgetpu.tflite").is_file()
    ]


def segmentation(whole: bool) -> bytes:
    """Convolutions, a resize that is too large, an argmax; compiled, the convolutions are one operator."""
    net, x = start() if whole else (Net(), 0)
    trunk = net.conv(x, 16) if whole else edgetpu(net, net.input(), (1, 8, 8, 16), package(cached=512))
    big = net.plain("RESIZE_BILINEAR", trunk, net.numbers([80, 80]), shape=(1, 80, 80, 16))
    return net.build(net.op("ARG_MAX", [big, net.numbers([3])], [net.tensor((1, 80, 80), "int32", 0.0, name="map")]))


def classification(whole: bool) -> bytes:
    """Everything is mapped."""
    net, x = start() if whole else (Net(), 0)
    trunk = net.conv(x, 16) if whole else net.input()
    y = net.tensor((1, 8, 8, 16), "int8", S, name="scores")
    if whole:
        return net.build(net.op("RELU6", [trunk], [y]))
    return net.build(net.op("CUSTOM", [trunk], [y], custom="edgetpu-custom-op", custom_options=package(cached=64)))


def crafted() -> list[Pair]:
    return [
        Pair("segmentation", segmentation(True), segmentation(False), 2, 2, 512),
        Pair("classification", classification(True), classification(False), 3, 0, 64),
    ]


PAIRS = [*real(), *crafted()]


def left_over(placement: Json) -> Counter[str]:
    return Counter(o["name"] for o in placement["operators"] if o["place"] != "accelerator")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.name)
def test_before_compilation_the_estimate_is_what_the_compiler_did(pair: Pair, tmp_path: Path) -> None:
    estimate = report(Held(pair.before, "artpec7"), tmp_path).placement
    truth = report(Held(pair.after, "artpec7", format="tflite-edgetpu"), tmp_path).placement
    assert (estimate["cut"]["mapped"], estimate["cut"]["left"]) == (pair.mapped, pair.left)
    assert left_over(estimate) == left_over(truth)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.name)
def test_the_compiled_file_holds_one_part_and_its_parameters(pair: Pair, tmp_path: Path) -> None:
    answer = report(Held(pair.after, "artpec7", format="tflite-edgetpu"), tmp_path)
    assert answer.ok and answer.placement["counts"] == {"accelerator": 1, "cpu": pair.left, "refused": 0}
    assert answer.placement["parameters"]["cached_bytes"] == pair.cached
    assert ("A7-022" in codes(answer)) == bool(pair.left)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.name)
def test_the_same_uint8_file_loads_on_artpec8(pair: Pair, tmp_path: Path) -> None:
    answer = report(Held(pair.before, "artpec8"), tmp_path)
    assert answer.ok and answer.placement["partitions"]["optimistic"] <= 2
