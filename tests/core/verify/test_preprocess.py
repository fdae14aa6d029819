"""Preprocessing values from the command line and from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import UsageError
from edgeroute.types import Preprocess
from edgeroute.verify import preprocess


def test_nothing_given_is_not_known() -> None:
    assert preprocess.from_options() == Preprocess() and not preprocess.from_options().known


@pytest.mark.parametrize("name", preprocess.PRESETS)
def test_every_preset_is_known_and_maps_pixels_as_it_says(name: str) -> None:
    how = preprocess.from_options(preset=name)
    low, high = ((pixel * how.scale - how.mean[0]) / how.std[0] for pixel in (0, 255))
    expected = {"imagenet": (-0.485 / 0.229, 0.515 / 0.229), "-1..1": (-1, 1), "0..1": (0, 1), "0..255": (0, 255)}[name]
    assert how.known and (low, high) == pytest.approx(expected)


def test_values_correct_a_preset() -> None:
    how = preprocess.from_options(preset="Imagenet", color="BGR", resize="crop", std="0.5")
    assert (how.color, how.resize, how.std, how.mean) == ("bgr", "crop", (0.5,), (0.485, 0.456, 0.406))


def test_fractions_and_lists() -> None:
    how = preprocess.from_options(scale="1/255", mean="1, 2,3")
    assert how.scale == pytest.approx(1 / 255) and how.mean == (1, 2, 3) and how.known


@pytest.mark.parametrize("text", ['{"mean": [1, 2, 3], "scale": "1/2"}', '{"preprocess": {"mean": "1,2,3", "scale": 0.5}}'])
def test_json_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    assert preprocess.load(tmp_path / "p.json") == Preprocess(scale=0.5, mean=(1, 2, 3), known=True)


def test_toml_files_build_on_presets(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('[preprocess]\npreset = "-1..1"\ncolor = "gray"\n')
    how = preprocess.load(tmp_path / "p.toml")
    assert (how.mean, how.color) == ((127.5,), "grey")
    assert preprocess.from_options(file=tmp_path / "p.toml", resize="letterbox").resize == "letterbox"


def test_a_presets_name_serves_where_a_file_is_asked_for() -> None:
    assert preprocess.load("imagenet") == preprocess.PRESETS["imagenet"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"preset": "imagnet"}, "did you mean 'imagenet'"),
        ({"means": "1"}, "did you mean 'mean'"),
        ({"color": "rbg"}, "did you mean 'rgb'"),
        ({"resize": "pad"}, "known: stretch, crop, letterbox"),
        ({"scale": "1/0"}, "--scale 1/255"),
        ({"scale": "nan"}, "--scale 1/255"),
        ({"scale": 0}, "--scale 1/255"),
        ({"scale": True}, "--scale 1/255"),
        ({"mean": "1,2"}, "one per channel"),
        ({"mean": []}, "one per channel"),
        ({"std": "1,0,1"}, "deviation of each channel"),
    ],
)
def test_slips_are_answered_with_what_to_type(values: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        preprocess.parse(values)


@pytest.mark.parametrize(("name", "text"), [("p.json", "{"), ("p.toml", "a ="), ("p.json", "[1]"), ("p.yaml", "mean: 1")])
def test_files_that_are_no_preprocessing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as caught:
        preprocess.load(tmp_path / name)
    assert caught.value.where == name and '"mean"' in caught.value.remedy


def test_a_missing_file_is_not_taken_for_a_preset(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        preprocess.load(tmp_path / "gone.json")
    with pytest.raises(UsageError, match="unknown preprocessing preset"):
        preprocess.load(tmp_path / "gone")


def test_values_of_the_wrong_pixel_range_are_doubted() -> None:
    assert preprocess.doubts(preprocess.parse({"mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225"}))[0].remedy == "add --scale 1/255"
    assert preprocess.doubts(preprocess.parse({"scale": "1/255", "mean": "127.5", "std": "127.5"}))
    assert not any(preprocess.doubts(p) for p in preprocess.PRESETS.values())


def test_one_value_serves_all_channels_and_a_wrong_number_is_told() -> None:
    assert preprocess.per_channel((2.0,), 3, "mean") == (2.0, 2.0, 2.0)
    with pytest.raises(UsageError, match="3 values for --mean, but the model's input has 1"):
        preprocess.per_channel((1.0, 2.0, 3.0), 1, "mean")


@pytest.mark.parametrize(
    ("how", "leaves"),
    [
        (Preprocess(), False),
        (Preprocess(known=True), True),
        (Preprocess(scale=1 / 255, known=True), True),
        (Preprocess(mean=(127.0,), std=(128.0,), known=True), True),
        (Preprocess(mean=(127.5,), std=(127.5,), known=True), False),
        (Preprocess(scale=1 / 255, color="bgr", known=True), False),
        (Preprocess(scale=-1.0, known=True), False),
        (Preprocess(mean=(300.0,), known=True), False),
        (preprocess.PRESETS["imagenet"], False),
    ],
)
def test_what_one_scale_and_zero_point_can_say(how: Preprocess, leaves: bool) -> None:
    assert preprocess.leaves_bytes(how) is leaves


@given(zero=st.integers(0, 255), scale=st.floats(1e-4, 10), std=st.floats(1e-3, 300))
def test_where_bytes_are_left_the_quantized_pixel_is_the_pixel(zero: int, scale: float, std: float) -> None:
    how = Preprocess(scale=scale, mean=(zero * scale,), std=(std,), known=True)
    limits = preprocess.pixel_range(how)
    assert preprocess.leaves_bytes(how) and limits is not None
    step = (limits[1] - limits[0]) / 255
    for pixel in range(256):
        assert round((pixel * scale - zero * scale) / std / step) + round(-limits[0] / step) == pixel
