"""Fitting an int8 file to its float model: the arithmetic here, real files in the runtime."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from edgeroute_plugins.refine.improve import is_harmed, share_out
from edgeroute_plugins.refine.network import Network, Operator
from edgeroute_plugins.refine.objective import signal_to_noise, squash
from edgeroute_plugins.refine.pairing import FAR, _distance
from edgeroute_plugins.refine.patches import Geometry, patches, positions
from edgeroute_plugins.refine.reconstruct import round_together
from tests.plugins.real_runtime import call

LIVE = "tests.plugins.refine.live"


def run(folder: Path, function: str, **arguments: object) -> object:
    outcome = call(folder, f"{LIVE}:{function}", arguments)
    assert outcome.status == "ok", outcome.error
    return outcome.value


def test_joint_rounding_beats_rounding_alone_where_inputs_go_together() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(4000, 3)) @ random.normal(size=(3, 24)) + 0.05 * random.normal(size=(4000, 24))
    wanted = random.normal(size=(8, 24)) * 20
    covariance = inputs.T @ inputs / len(inputs) + 1e-3 * np.eye(24)

    def loss(integers: np.ndarray) -> float:
        return float((((integers - wanted) @ inputs.T) ** 2).mean())

    together = round_together(wanted, covariance)
    assert np.array_equal(together, np.round(together))
    assert loss(together) < 0.3 * loss(np.round(wanted))


def test_joint_rounding_of_unrelated_inputs_is_rounding() -> None:
    wanted = np.random.default_rng(1).normal(size=(4, 9)) * 50
    assert np.array_equal(round_together(wanted, np.eye(9)), np.clip(np.round(wanted), -127, 127))


@pytest.mark.parametrize(("kind", "near"), [("MINIMUM", True), ("MAXIMUM", True), ("ADD", False)])
def test_a_bound_that_ends_with_its_range_is_still_the_same_one(kind: str, near: bool) -> None:
    def network(bound: float) -> Network:
        return cast(Network, SimpleNamespace(is_constant=lambda t: t == 1, real=lambda t: np.full(4, bound)))

    operator = Operator(0, kind, (0, 1), (2,), "NONE")
    assert (_distance(network(384.0), network(8.1), operator, operator) <= FAR) == near


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
def test_patches_are_what_a_convolution_reads(stride: int, same: bool) -> None:
    random = np.random.default_rng(2)
    value, weights = random.normal(size=(1, 7, 6, 2)), random.normal(size=(3, 3, 2))
    size = tuple(-(-n // stride) if same else (n - 3) // stride + 1 for n in (7, 6))
    walk = Geometry((3, 3), (stride, stride), (1, 1), same, (size[0], size[1]))
    places = positions((size[0], size[1]), 1000, random)
    got = (patches(value, walk, places) * weights).sum(axis=(1, 2, 3))
    before = [walk.before(7, 0), walk.before(6, 1)]
    padded = np.pad(value[0], ((before[0], 3), (before[1], 3), (0, 0)))
    wanted = [(padded[r * stride : r * stride + 3, c * stride : c * stride + 3] * weights).sum() for r, c in places]
    assert len(places) == size[0] * size[1]
    np.testing.assert_allclose(got, wanted)


def test_samples_to_fit_and_to_judge_on_are_others() -> None:
    rows = [[np.full((1,), i)] for i in range(90)]
    fitting, judging = share_out(rows)
    assert 12 <= len(fitting) <= 24 and 24 <= len(judging) <= 48
    assert not {float(r[0][0]) for r in fitting} & {float(r[0][0]) for r in judging}
    assert share_out(rows[:3])[1] == []


def test_noise_is_measured_against_variance() -> None:
    wanted = np.array([0.0, 2.0] * 50) + 1000
    assert signal_to_noise(wanted, wanted + 1) == pytest.approx(0.0, abs=1e-6)
    assert signal_to_noise(wanted, wanted) > 100
    assert squash(np.array([0.0]), "LOGISTIC") == pytest.approx(0.5)
    assert squash(np.array([[1.0, 1.0]]), "SOFTMAX") == pytest.approx(0.5)


@pytest.mark.real
@pytest.mark.parametrize("name", ["int8-pc", "int8-pt"])
def test_every_layer_finds_its_partner(tmp_path: Path, name: str) -> None:
    found = run(tmp_path, "paired", name=name)
    assert isinstance(found, dict)
    assert found["missing"] == []
    assert len(found["layers"]) == found["of"]
    assert all(a == b for a, b in found["layers"])


@pytest.mark.real
@pytest.mark.parametrize("function", ["unchanged", "stepped"])
def test_reading_writing_and_stepping_change_nothing(tmp_path: Path, function: str) -> None:
    assert run(tmp_path, function, name="int8-pt") is True


@pytest.mark.real
@pytest.mark.parametrize("kind", ["bias", "weights"])
def test_spoilt_biases_are_put_right(tmp_path: Path, kind: str) -> None:
    found = run(tmp_path, "damaged", name="int8-pt", kind=kind)
    assert isinstance(found, dict)
    assert found["won"]
    assert found["after"] > found["before"] + 1


@pytest.mark.real
def test_the_best_start_wins_and_twice_the_same_comes_out(tmp_path: Path) -> None:
    found = run(tmp_path, "chosen", first="int8-pt", second="int8-pc", count=24)
    assert isinstance(found, dict)
    assert found["same"] and found["gain"] >= 0


@pytest.mark.real
def test_with_too_few_samples_the_first_file_stays(tmp_path: Path) -> None:
    found = run(tmp_path, "chosen", first="int8-pt", second="int8-pc", count=3)
    assert found == {"start": "int8-pt", "fit": "", "gain": 0.0, "same": True}


def test_no_output_pays_for_another() -> None:
    assert is_harmed([10.0, 20.0], [8.5, 40.0])
    assert not is_harmed([10.0, 20.0], [9.5, 40.0])
    assert not is_harmed([48.0, 20.0], [41.0, 30.0]), "what is good enough may lose some of it"


@pytest.mark.real
@pytest.mark.parametrize("name", ["float", "half", "dynamic-range", "int16", "float-border", "island", "tail"])
def test_files_that_are_not_int8_all_through_never_get_worse(tmp_path: Path, name: str) -> None:
    found = run(tmp_path, "odd", name=name)
    assert isinstance(found, dict)
    assert found["gain"] >= 0
    assert (found["same"] and found["reason"]) or found["fit"]
    if name in ("float", "half", "dynamic-range", "int16"):
        assert found["same"]


@pytest.mark.real
@pytest.mark.parametrize("how", ["shared", "state", "branches", "unlike"])
def test_strange_files_are_left_as_they_are_where_they_are_strange(tmp_path: Path, how: str) -> None:
    found = run(tmp_path, "altered", how=how)
    assert isinstance(found, dict)
    assert found["untouched"] and found["larger"] < 1.1
    assert found["kept"] == (3 if how == "shared" else 1), "the dense layer has no bias"
    if how != "shared":
        assert found["fit"] == "" and found["reason"]


@pytest.mark.real
@pytest.mark.parametrize(("value", "kind"), [(float("nan"), "value"), (0.0, "value"), (0.5, "shape")])
def test_samples_that_say_nothing_change_nothing(tmp_path: Path, value: float, kind: str) -> None:
    found = run(tmp_path, "swapped", value=value, kind=kind)
    assert isinstance(found, dict)
    assert found["same"] and found["reason"]
