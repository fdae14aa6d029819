"""Files that are damaged, hostile or strange end in a report that says what they are, whatever the device; never in another exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute.checks import check_artifact
from edgeroute.errors import EdgerouteError
from edgeroute.recognize import recognize
from edgeroute.report import html, markdown
from edgeroute.report.models import validation_document
from edgeroute.report.text import render_inspect, render_validation
from edgeroute.types import ValidationReport, to_json
from edgeroute.workshop import Workshop
from edgeroute_plugins.devices.targets import TARGETS
from tests.plugins import bench
from tests.plugins.devices.builder import Net
from tests.plugins.devices.cases_artpec7 import compiled, mean, padding, sliced
from tests.plugins.devices.cases_artpec89 import first, residual
from tests.plugins.devices.cases_tflite import attention, custom, island, sound, start, then
from tests.plugins.devices.holding import Held, codes, report
from tests.plugins.devices.onnx_builder import model

ROOT = Path(__file__).parents[3]
REAL = [*sorted((ROOT / "tests" / "plugins" / "tflite" / "models").glob("*.tflite")), ROOT / "examples" / "digits" / "digits.onnx"]
CRAFTED = [
    first(), residual(False), then(island), then(attention), sliced(2), mean([1, 2], (1, 1, 1, 16)), padding([0, 0, 1, 1, 1, 1, 0, 0], (1, 10, 10, 16)),
    compiled(), model(),
]  # fmt: skip
FILES = [*(p.read_bytes() for p in REAL), *CRAFTED]
ALL = [t.name for t in TARGETS]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return bench.workshop(tmp_path_factory.mktemp("home"))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Bytes changed, numbers put where offsets and counts may stand, pieces cut out, the end missing."""
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        how = draw(st.sampled_from(["byte", "byte", "number", "number", "gap", "end"]))
        if how == "byte":
            data[place : place + 1] = bytes([draw(st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255))])
        elif how == "number":
            number = draw(st.sampled_from([0, 1, len(data), 2**31 - 1, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1))
            data[place : place + 4] = number.to_bytes(4, "little")
        elif how == "gap":
            del data[place : place + draw(st.sampled_from([1, 4, 64]))]
        elif len(data) > 64:
            del data[max(64, place) :]
    return bytes(data)


@settings(max_examples=200, deadline=None)
@given(data=damaged(), target=st.sampled_from(ALL))
def test_a_damaged_file_is_reported(data: bytes, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        answer = report(Held(data, target), Path(folder))
        assert answer.target == target and all(f.remedy for f in answer.findings)


@settings(max_examples=200, deadline=None)
@given(data=damaged(), target=st.sampled_from(ALL))
def test_inspect_and_check_print_what_is_left_of_it(shop: Workshop, data: bytes, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(data)
        try:
            artifact = recognize(path, shop.plugins, shop.catalog)
        except EdgerouteError as error:
            assert error.remedy and error.code
            return
        assert render_inspect(artifact) and json.dumps(to_json(artifact))
        must_be_shown(check_artifact(shop, artifact, shop.catalog.target(target), {}))


def must_be_shown(answer: ValidationReport) -> None:
    """In a terminal, a page, Markdown and JSON; and no rule crashed on the way."""
    assert "check-crashed" not in codes(answer)
    document = validation_document(answer)
    assert render_validation(answer) and html.render(document) and markdown.render(document) and json.dumps(to_json(answer))


def test_an_empty_file_is_no_tflite(tmp_path: Path) -> None:
    answer = report(Held(b"", "artpec8"), tmp_path)
    assert [f.code for f in answer.findings] == ["TFL-001"] and not answer.ok


STRANGE = {
    "dynamic-batch": {"TFL-006", "TFL-007"},
    "dynamic-range": {"TFL-007", "TFL-010"},
    "flex": {"TFL-003"},
    "float": {"TFL-007", "TFL-008"},
    "float-border": {"TFL-007", "TFL-009"},
    "half": {"TFL-007", "TFL-008"},
    "int16": {"TFL-007", "TFL-011"},
    "island": {"TFL-008"},
    "nchw": {"TFL-007", "TFL-013"},
    "signatures": {"TFL-002"},
    "tail": {"TFL-007", "TFL-009"},
}


@pytest.mark.parametrize("target", ["artpec7", "artpec7-gpu", "artpec8", "artpec9"])
@pytest.mark.parametrize("name", STRANGE)
def test_every_kind_of_file_that_converters_write_is_told_as_what_it_is(name: str, target: str, tmp_path: Path) -> None:
    data = (ROOT / "tests" / "plugins" / "tflite" / "models" / f"{name}.tflite").read_bytes()
    answer = report(Held(data, target, {"phase": "before-compile"}, format="tflite"), tmp_path)
    assert codes(answer) >= STRANGE[name]
    must_be_shown(answer)


@pytest.mark.parametrize("name", sorted(set(STRANGE) - {"flex", "dynamic-batch"}))
def test_the_cpu_takes_whatever_tflite_takes(name: str, tmp_path: Path) -> None:
    data = (ROOT / "tests" / "plugins" / "tflite" / "models" / f"{name}.tflite").read_bytes()
    assert report(Held(data, "cpu", format="tflite"), tmp_path).ok


def nothing() -> bytes:
    """No tensors, no operators."""
    return Net().build()


def named(name: str) -> bytes:
    net, x = start()
    return net.build(net.op("RELU6", [net.conv(x, 16)], [net.tensor((1, 8, 8, 16), name=name)]))


HOSTILE_NAMES = ["\x1b[31mred\x1b[0m", "a\nb\rc", "<script>alert(1)</script>", "`*|_#", "\u202egpj.exe", "x" * 5000, "", "\ud7ff\ufffe"]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_names_are_shown_and_do_nothing(name: str, tmp_path: Path) -> None:
    answer = report(Held(named(name), "artpec9"), tmp_path)
    must_be_shown(answer)
    shown = render_validation(answer) + markdown.render(validation_document(answer))
    assert "\x1b" not in shown and "\u202e" not in shown and "<script>" not in html.render(validation_document(answer)).split("<script>")[0]


@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize("data", [nothing(), custom(""), custom("Flex"), then(lambda net, x: net.plain("STABLEHLO_CONVOLUTION", x))])
def test_the_edges_of_the_schema(data: bytes, target: str, tmp_path: Path) -> None:
    must_be_shown(report(Held(data, target), tmp_path))


def test_a_long_chain_is_no_deep_recursion(tmp_path: Path) -> None:
    def grow(net: Net, x: int) -> None:
        for _ in range(4000):
            x = net.plain("RELU6", x)

    for target in ("artpec7", "artpec9"):
        assert report(Held(then(grow), target), tmp_path).placement["counts"]["accelerator"] == 4002


def test_bytes_behind_the_model_do_no_harm(tmp_path: Path) -> None:
    assert report(Held(sound() + bytes(1 << 20), "artpec9"), tmp_path).ok
