"""The tip that tells a noisy int8 file's loss in grey levels: a conversion says it, says the right number, or leaves it out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeroute.cache import Cache
from edgeroute.catalog import build
from edgeroute.environments import Environments
from edgeroute.plugins import Plugins, discover
from edgeroute.runner import in_grey_levels as told
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.types import ConversionResult, Environment, Limits, Preprocess
from edgeroute.verify.preprocess import PRESETS
from edgeroute.workshop import Workshop

CODE = "noise-in-grey-levels"
UNIT = PRESETS["0..1"]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    found = discover([Path(__file__).with_name("pictureplugin.py")])
    plugins = Plugins([p for p in found.all if p.name == "pictureplugin"])
    catalog = build(plugins)
    return Workshop(plugins, catalog, Environments(tmp_path / "home" / "environments", catalog.environments), Cache(tmp_path / "home"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for i in range(40):
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / "pictures" / f"{i:02}.png")
    return tmp_path / "pictures"


def run(
    shop: Workshop, calibrate: Path | None, step: float = 6.0, good: float = 60.0, preprocess: Preprocess = UNIT, **model: object
) -> ConversionResult:
    """A file that rounds to `step` grey levels, judged by a good mark of so many dB (random pictures are loud)."""
    folder = shop.cache.root.parent
    (folder / "model.pic").write_text(json.dumps({"kind": "pic-float", **model}))
    request = Request(
        out=folder / "out.pic",
        calibrate=calibrate,
        preprocess=preprocess,
        options={"rounds": {"step": step}},
        thresholds={"good_sqnr": good},
        limits=Limits(seconds=60),
    )
    return convert(shop, folder / "model.pic", "pic-device", request)


def tips(result: ConversionResult) -> list[str]:
    return [f.message for f in result.findings if f.code == CODE]


def arrays(folder: Path, **more: Any) -> Path:
    values = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16)) / np.float32(255)
    np.savez(folder / "given.npz", x=values.astype(np.float32), **more)
    return folder / "given.npz"


def test_rounding_to_six_grey_levels_is_noise_of_three(shop: Workshop, pictures: Path) -> None:
    result = run(shop, pictures)
    assert result.status == "succeeded" and [s.status for s in result.steps] == ["degraded"]
    (message,) = tips(result)
    said = float(message.partition("±")[2].split()[0])
    assert said == pytest.approx(3.0, abs=0.15)
    (tip,) = [f for f in result.findings if f.code == CODE]
    assert tip.where == "y" and "--effort max" in tip.remedy


def test_a_second_conversion_takes_it_from_the_cache(shop: Workshop, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tips(run(shop, pictures))
    monkeypatch.setattr(told, "SHAKEN", "nobody:knows")
    assert tips(run(shop, pictures)) == first != []


def test_a_file_that_keeps_the_good_mark_is_not_talked_about(shop: Workshop, pictures: Path) -> None:
    assert tips(run(shop, pictures, good=20.0)) == []
    assert not (shop.cache.root / "shaken").exists(), "and nothing is run for it"


def test_random_data_and_arrays_of_unknown_scale_have_no_grey_levels(shop: Workshop, tmp_path: Path) -> None:
    assert tips(run(shop, None)) == []
    assert tips(run(shop, arrays(tmp_path), preprocess=Preprocess())) == []
    assert not (shop.cache.root / "shaken").exists()
    assert len(tips(run(shop, arrays(tmp_path)))) == 1, "stated preprocessing tells the scale of arrays, too"


def test_of_several_inputs_the_picture_alone_is_moved(shop: Workshop, tmp_path: Path) -> None:
    given = arrays(tmp_path, size=np.ones((40, 2), np.float32))
    (message,) = tips(run(shop, given, sized=True))
    assert float(message.partition("±")[2].split()[0]) == pytest.approx(3.0, abs=0.15)


def test_a_model_that_cannot_be_run_on_it_costs_the_tip_and_not_the_file(shop: Workshop, pictures: Path) -> None:
    result = run(shop, pictures, only_whole_pixels=True)
    assert result.artifact is not None and [s.status for s in result.steps] == ["degraded"] and tips(result) == []


def test_a_reference_that_took_long_is_not_run_again(shop: Workshop, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "COSTLY", 0.0)
    assert tips(run(shop, pictures)) == []


def test_an_environment_that_is_not_built_is_not_built_for_a_tip(shop: Workshop) -> None:
    (runner,) = shop.catalog.runners
    assert told._is_at_hand(shop, runner)
    unbuilt = Environments(shop.cache.root / "none", {"far": Environment("far", ("no-such-package==1.0",))})
    assert not told._is_at_hand(dataclasses.replace(shop, environments=unbuilt), dataclasses.replace(runner, environment="far"))
