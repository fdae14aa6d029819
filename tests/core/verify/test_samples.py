"""Samples: pictures, arrays and random data; what is held back; what is said about them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeroute.codec import from_json
from edgeroute.errors import UsageError
from edgeroute.types import Calibration, Finding, Preprocess, Severity, Tensor, to_json
from edgeroute.verify import samples
from tests.core.verify.fakes import floats

NCHW, NHWC = floats("x", 1, 3, 16, 24), floats("x", 1, 16, 24, 3)


def prepare(
    source: Path | str, out: Path, *inputs: Tensor, preprocess: Preprocess | None = None, **more: int | bool
) -> tuple[Calibration, list[Finding]]:
    stated = preprocess or Preprocess(scale=1 / 255, known=True)
    value = samples.prepare(str(source), to_json(list(inputs)), to_json(stated), str(out), **more)  # type: ignore[arg-type]
    return from_json(Calibration, value["calibration"]), [from_json(Finding, f) for f in value["findings"]]


def codes(findings: list[Finding]) -> set[str]:
    return {f.code for f in findings}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Ten noisy pictures in two folders, among them a sixteen-bit grey one."""
    folder = tmp_path / "pictures"
    generator = np.random.default_rng(1)
    for i in range(9):
        path = folder / ("day" if i % 2 else "night") / f"{i}.{('png', 'jpg', 'bmp')[i % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(path)
    Image.fromarray(generator.integers(0, 65536, (40, 30), dtype=np.uint16)).save(folder / "deep.png")
    return folder


def test_pictures_become_arrays_in_the_inputs_layout(pictures: Path, tmp_path: Path) -> None:
    first, _ = prepare(pictures, tmp_path / "a", NCHW)
    last, _ = prepare(pictures, tmp_path / "b", NHWC)
    assert (first.count, first.held_back, first.usable, first.names) == (10, 4, 6, ("x",))
    assert first.array(0).shape == (10, 3, 16, 24) and first.array(0).dtype == np.float32
    assert np.array_equal(first.array(0).transpose(0, 2, 3, 1), last.array(0))
    assert 0 <= first.array(0).min() < first.array(0).max() <= 1


def test_the_same_pictures_give_the_same_bytes(pictures: Path, tmp_path: Path) -> None:
    first, _ = prepare(pictures, tmp_path / "a", NCHW)
    again, _ = prepare(pictures, tmp_path / "b", NCHW)
    other, _ = prepare(pictures, tmp_path / "c", NCHW, seed=1)
    assert first.sha256 == again.sha256 != other.sha256


def test_mean_std_and_colour_order_are_applied_per_channel(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    Image.new("RGB", (24, 16), (10, 20, 30)).save(tmp_path / "one" / "a.png")
    how = Preprocess(scale=2.0, mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0), color="bgr", known=True)
    calibration, findings = prepare(tmp_path / "one", tmp_path / "out", NCHW, preprocess=how)
    assert [float(c.max()) for c in calibration.array(0)[0]] == [59.0, 19.0, 4.25]
    assert {"calibration-constant", "calibration-few", "calibration-reused"} <= codes(findings)


def test_orientation_is_read_from_the_picture(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    wide = Image.new("RGB", (24, 16))
    wide.paste((255, 255, 255), (0, 0, 12, 16))
    exif = Image.Exif()
    exif[0x0112] = 3
    wide.save(tmp_path / "one" / "a.jpg", exif=exif, quality=95)
    calibration, _ = prepare(tmp_path / "one", tmp_path / "out", NCHW)
    picture = calibration.array(0)[0]
    assert picture[:, :, :8].max() < 0.1 < 0.9 < picture[:, :, 16:].min()


@pytest.mark.parametrize(("how", "corner"), [("stretch", 1.0), ("crop", 1.0), ("letterbox", 114 / 255)])
def test_resizing(tmp_path: Path, how: str, corner: float) -> None:
    (tmp_path / "one").mkdir()
    Image.new("RGB", (16, 64), (255, 255, 255)).save(tmp_path / "one" / "a.png")
    calibration, _ = prepare(tmp_path / "one", tmp_path / "out", NCHW, preprocess=Preprocess(scale=1 / 255, resize=how, known=True))
    assert calibration.array(0)[0, 0, 8, 0] == pytest.approx(corner)


def test_broken_pictures_are_named_and_passed_over(pictures: Path, tmp_path: Path) -> None:
    (pictures / "torn.jpg").write_bytes((pictures / "day" / "1.jpg").read_bytes()[:200])
    (pictures / "empty.png").write_bytes(b"")
    (pictures / "text.bmp").write_text("hello")
    calibration, findings = prepare(pictures, tmp_path / "out", NCHW)
    assert calibration.count == 10
    assert {f.where for f in findings if f.code == "calibration-unreadable"} == {"torn.jpg", "empty.png", "text.bmp"}


def test_nothing_but_broken_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_text("no picture")
    with pytest.raises(UsageError, match="none of the 1 pictures can be read"):
        prepare(tmp_path / "bad", tmp_path / "out", NCHW)


def test_errors_say_what_was_expected(pictures: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "nhwc.npy", np.zeros((4, 16, 24, 3), np.float32))
    np.save(tmp_path / "bytes.npy", np.zeros((4, 3, 16, 24), np.uint8))
    np.save(tmp_path / "nan.npy", np.full((4, 3, 16, 24), np.nan, np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}, {}]), allow_pickle=True)
    (tmp_path / "half.npy").write_bytes((tmp_path / "nhwc.npy").read_bytes()[:500])
    np.savez(tmp_path / "named.npz", image=np.zeros((4, 3, 16, 24), np.float32), other=np.zeros(4, np.float32))
    (tmp_path / "empty").mkdir()
    cases = {
        "nhwc.npy": r"transpose\(0, 3, 1, 2\)",
        "bytes.npy": "expected float32",
        "nan.npy": "NaN",
        "objects.npy": "never unpickles",
        "half.npy": "truncated",
        "named.npz": "name the arrays after the inputs",
        "empty": "no pictures",
        "gone.npy": "does not exist",
        "test.txt": "not known",
    }
    (tmp_path / "test.txt").write_text("")
    for name, said in cases.items():
        with pytest.raises(UsageError, match=said):
            prepare(tmp_path / name, tmp_path / "out", NCHW)
    with pytest.raises(UsageError, match="2 inputs"):
        prepare(pictures, tmp_path / "out", NCHW, floats("b", 1, 4))
    with pytest.raises(UsageError, match="no picture"):
        prepare(pictures, tmp_path / "out", floats("v", 1, 100))
    with pytest.raises(UsageError, match="--input-shape x:1,3,1,1"):
        prepare(pictures, tmp_path / "out", floats("x", None, 3, None, None))
    with pytest.raises(UsageError, match="holds string"):
        prepare("", tmp_path / "out", Tensor("x", (1,), "string"))


def test_arrays_of_several_inputs_stay_together(tmp_path: Path) -> None:
    count = 20
    np.savez_compressed(
        tmp_path / "s.npz",
        x=np.arange(count, dtype=np.float32).repeat(6).reshape(count, 2, 3),
        ids=np.arange(count, dtype=np.int32)[:, None],
        state=np.ones((2, 1, 4), np.float32),
    )
    inputs = (Tensor("ids", (1, 1), "int64"), floats("x", 1, 2, 3), floats("state", 2, 1, 4))
    calibration, _ = prepare(tmp_path / "s.npz", tmp_path / "out", *inputs)
    ids, x, state = (calibration.array(i) for i in range(3))
    assert ids.dtype == np.int64 and ids.shape == (count, 1) and state.shape == (count, 2, 1, 4)
    assert sorted(ids[:, 0]) == list(range(count)) and np.array_equal(x[:, 0, 0], ids[:, 0])
    assert list(ids[:, 0]) != list(range(count)), "mixed, so that the held-back ones stand for all"


def test_a_batch_axis_may_be_kept_and_columns_may_be_stored_first(tmp_path: Path) -> None:
    values = np.asfortranarray(np.random.default_rng(0).standard_normal((9, 1, 3, 16, 24)).astype(np.float32))
    np.save(tmp_path / "s.npy", values)
    calibration, _ = prepare(tmp_path / "s.npy", tmp_path / "out", NCHW)
    assert {a.tobytes() for a in calibration.array(0)} == {np.ascontiguousarray(v[0]).tobytes() for v in values}


def test_random_data_is_seeded_marked_and_said(tmp_path: Path) -> None:
    inputs = (NCHW, Tensor("ids", (1, 7), "int64"), Tensor("q", (1, 5), "int8"), floats("state", 2, 1, 4), floats("s"))
    first, findings = prepare("", tmp_path / "a", *inputs)
    again, _ = prepare("", tmp_path / "b", *inputs)
    assert first.random and first.sha256 == again.sha256 and first.count == 24 and first.held_back == 8
    assert "calibration-random" in codes(findings) and findings[0].severity == Severity.WARNING
    assert set(np.unique(first.array(1))) == {0, 1} and first.array(4).shape == (24,)
    assert 0 <= first.array(0).min() < 0.2 < 0.8 < first.array(0).max() <= 1


def test_unstated_preprocessing_is_taken_as_unit_pixels_and_said(pictures: Path, tmp_path: Path) -> None:
    calibration, findings = prepare(pictures, tmp_path / "out", NCHW, preprocess=Preprocess())
    assert "preprocess-unknown" in codes(findings) and calibration.array(0).max() <= 1
    raw, findings = prepare(pictures, tmp_path / "raw", Tensor("x", (1, 16, 24, 3), "uint8"), preprocess=Preprocess())
    assert "preprocess-unknown" not in codes(findings) and raw.array(0).dtype == np.uint8 and raw.array(0).max() > 200


def test_repeated_and_widening_samples_are_told(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((24, 3, 16, 24)).astype(np.float32)
    values[5] = values[6]
    np.save(tmp_path / "twins.npy", values)
    assert "calibration-duplicates" in codes(prepare(tmp_path / "twins.npy", tmp_path / "a", NCHW)[1])
    np.save(tmp_path / "alike.npy", values[:1] + 1e-3 * values)
    assert "calibration-alike" in codes(prepare(tmp_path / "alike.npy", tmp_path / "b", NCHW)[1])
    order = sorted(range(24), key=lambda i: float(np.abs(values[i]).max()))
    from edgeroute.verify.representative import Observer

    observer = Observer([NCHW])
    for rank, i in enumerate(order):
        observer.see(str(i), [values[i][None] * (1 + rank)])
    assert "calibration-range-growing" in codes(observer.findings(0))


def test_pixels_are_kept_beside_the_arrays(pictures: Path, tmp_path: Path) -> None:
    how = Preprocess(scale=1.0, mean=(127.5,), std=(127.5,), color="bgr", known=True)
    calibration, _ = prepare(pictures, tmp_path / "out", NCHW, preprocess=how, pixels=True)
    pixels = np.load(calibration.path / "pixels.npy")
    assert calibration.pixels and pixels.shape == (10, 16, 24, 3) and pixels.dtype == np.uint8
    expected = ((pixels[..., ::-1].astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
    assert np.allclose(calibration.array(0), expected)


def test_memory_does_not_grow_with_the_number_of_samples(tmp_path: Path) -> None:
    big = floats("x", 1, 3, 128, 128)
    peaks = []
    for count in (8, 64):
        np.save(tmp_path / f"{count}.npy", np.random.default_rng(0).standard_normal((count, 3, 128, 128), dtype=np.float32))
        tracemalloc.start()
        prepare(tmp_path / f"{count}.npy", tmp_path / f"out{count}", big)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 200_000


@given(st.integers(1, 2000), st.integers(1, 64))
def test_held_back_samples_leave_most_for_calibration(count: int, limit: int) -> None:
    held = samples.held_back(count, limit)
    assert held <= limit and held <= count / 2
    assert (held == 0) == (count < 8 and count < 2 * limit)
    calibration = Calibration(Path(), ("x",), count, held)
    measured = samples.measured(calibration, limit)
    assert 0 < len(measured) <= limit and measured.stop == count
