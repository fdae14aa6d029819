"""Conversions for ARTPEC-7 with a stand-in for the compiler: compiled here, handed over, and finished."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeroute import api
from edgeroute.errors import CheckFailed, ConverterFailed, EnvironmentFailed, OutputError, SourceError, VerificationFailed
from edgeroute.types import ConversionResult
from edgeroute.workshop import Workshop
from edgeroute_plugins.tflite import reader
from tests.plugins import bench
from tests.plugins.devices.builder import Net, edgetpu, package
from tests.plugins.devices.cases_tflite import sound, start, with_input
from tests.plugins.devices.test_published import PAIRS, Pair

STANDIN = Path(__file__).parent / "standins" / "edgetpu_compiler"
DOCKER = Path(__file__).parents[1] / "standins" / "docker"
VARIABLE = "EDGEROUTE_EDGETPU_COMPILER"


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return bench.workshop(tmp_path / "home")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "net.tflite"
    file.write_bytes(sound())
    return file


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in as a command prefix, so that it runs under this interpreter."""
    monkeypatch.setenv(VARIABLE, f"{sys.executable} {STANDIN}")


def convert(shop: Workshop, model: Path, folder: Path, **more: object) -> ConversionResult:
    return api.convert(model, "artpec7", out=folder / "net.tflite", workshop=shop, **more)  # type: ignore[arg-type]


def settings(**values: object) -> dict[str, dict[str, object]]:
    return {"edgetpu-compiler": values}


@pytest.mark.usefixtures("tool")
def test_with_the_compiler_the_file_is_compiled_and_its_package_read(shop: Workshop, model: Path, tmp_path: Path) -> None:
    result = convert(shop, model, tmp_path / "out")
    assert (result.status, result.route) == ("succeeded", ("edgetpu-compiler",))
    assert result.artifact is not None and result.artifact.format == "tflite-edgetpu"
    (step,) = result.steps
    assert step.notes["compiler"] == "16.0.384591198" and step.notes["packages"][0]["min_runtime"] == 13
    assert "--min_runtime_version 13" in " ".join(step.notes["flags"])
    assert step.verification is not None and step.verification.status == "unmeasured"
    (said,) = [f for f in result.findings if f.code == "parity-before-compile"]
    assert "edgeroute device test" in said.remedy


def test_the_compiler_may_live_in_a_container(shop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "docker:vendor/edgetpu:16")
    monkeypatch.setenv("PATH", f"{DOCKER.parent}:{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_STANDIN", f"{sys.executable} {STANDIN}")
    result = convert(shop, model, tmp_path / "out")
    assert result.status == "succeeded" and result.steps[-1].notes["compiler"] == "16.0.384591198"


@pytest.mark.usefixtures("tool")
def test_the_rules_before_compilation_are_part_of_the_result(shop: Workshop, tmp_path: Path) -> None:
    net, x = start(zero=0)
    net.plain("LEAKY_RELU", net.conv(x, 16))
    model = tmp_path / "leaky.tflite"
    model.write_bytes(net.build())
    result = convert(shop, model, tmp_path / "out")
    assert "A7-018" in {f.code for f in result.findings}
    assert result.details["before_compile"]["placement"]["cut"]["left"] == 1


def test_a_file_that_the_rules_refuse_never_reaches_the_compiler(shop: Workshop, tmp_path: Path) -> None:
    model = tmp_path / "many.tflite"
    model.write_bytes(with_input(shape=(3, 8, 8, 1)))
    with pytest.raises(CheckFailed):
        convert(shop, model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("tool")
def test_a_crash_is_answered_by_the_delegate_search(shop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETPU_STANDIN", "crash-without-search")
    (step,) = convert(shop, model, tmp_path / "out").steps
    assert "--search_delegate" in step.notes["flags"]


@pytest.mark.usefixtures("tool")
def test_every_flag_reaches_the_compiler(shop: Workshop, model: Path, tmp_path: Path) -> None:
    asked = settings(
        min_runtime_version=12,
        search_delegate="always",
        delegate_search_step=4,
        timeout=60,
        intermediate_tensors=["t3", "t6"],
        num_segments=2,
    )
    (step,) = convert(shop, model, tmp_path / "out", options=asked).steps
    assert step.notes["flags"] == [
        "--show_operations", "--min_runtime_version", "12", "--timeout_sec", "60", "--intermediate_tensors", "t3,t6", "--num_segments", "2",
        "--search_delegate", "--delegate_search_step", "4",
    ]  # fmt: skip


FAILURES = {
    "crash": "edgetpu-internal-error",
    "version": "edgetpu-operator-version",
    "nothing": "edgetpu-nothing-mapped",
    "garbage": "edgetpu-package",
}


@pytest.mark.usefixtures("tool")
@pytest.mark.parametrize("mood", FAILURES)
def test_a_failure_is_told_in_our_words(shop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    monkeypatch.setenv("EDGETPU_STANDIN", mood)
    with pytest.raises(ConverterFailed) as caught:
        convert(shop, model, tmp_path / "out")
    assert caught.value.code == FAILURES[mood] and caught.value.remedy
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("tool")
def test_what_stays_on_the_cpu_is_found_per_operator(shop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETPU_STANDIN", "cpu")
    result = convert(shop, model, tmp_path / "out")
    left = {f.where for f in result.findings if f.code == "edgetpu-left-on-cpu"}
    assert left == {"SOFTMAX", "ARG_MAX"} and {"A7-022", "A7-024"} <= {f.code for f in result.findings}


@pytest.mark.usefixtures("tool")
def test_more_than_one_part_breaks_the_promise(shop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(VerificationFailed) as caught:
        convert(shop, model, tmp_path / "out", options=settings(multiple_subgraphs=True))
    assert "2 of its operators" in caught.value.message


@pytest.mark.usefixtures("tool")
def test_another_compiler_is_another_result(shop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not convert(shop, model, tmp_path / "a").steps[0].cached
    assert convert(shop, model, tmp_path / "b").steps[0].cached
    wrapper = tmp_path / "edgetpu_compiler"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} {STANDIN} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(wrapper))
    assert not convert(shop, model, tmp_path / "c").steps[0].cached


@pytest.fixture
def pair(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Pair, Path]:
    """A file, and what Google's compiler made of it, for the stand-in to answer with."""
    pair: Pair = request.param
    twins = tmp_path / "twins"
    twins.mkdir()
    (twins / f"{pair.name}.tflite").write_bytes(pair.before)
    (twins / f"{pair.name}_edgetpu.tflite").write_bytes(pair.after)
    monkeypatch.setenv("EDGETPU_TWINS", str(twins))
    return pair, twins / f"{pair.name}.tflite"


def must_tell_the_twin(result: ConversionResult, pair: Pair) -> None:
    """The delivered file is Google's, its findings what the file before it had promised."""
    assert result.status == "succeeded" and result.artifact is not None and result.validation is not None
    assert package_of(result.artifact.path.read_bytes()) == package_of(pair.after)
    assert result.validation.placement["packages"][0]["cached_bytes"] == pair.cached
    assert result.validation.placement["counts"] == {"accelerator": 1, "cpu": pair.left, "refused": 0}
    assert ("A7-022" in {f.code for f in result.findings}) == bool(pair.left)
    assert result.details["before_compile"]["placement"]["cut"]["left"] == pair.left


@pytest.mark.usefixtures("tool")
@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.name, indirect=True)
def test_what_googles_compiler_wrote_is_delivered_as_it_is(shop: Workshop, pair: tuple[Pair, Path], tmp_path: Path) -> None:
    result = convert(shop, pair[1], tmp_path / "out")
    must_tell_the_twin(result, pair[0])
    told = [r for r in result.steps[-1].notes["operators"] if not r["mapped"]]
    assert sum(r["count"] for r in told) == pair[0].left
    assert {f.where for f in result.findings if f.code == "edgetpu-left-on-cpu"} == {r["operator"] for r in told}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.name, indirect=True)
def test_what_googles_compiler_wrote_completes_a_bundle(shop: Workshop, pair: tuple[Pair, Path], tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, pair[1], tmp_path / "out"))
    result = api.finish(bundle, compiled_by_a_colleague(bundle), out=tmp_path / "done" / "net.tflite", workshop=shop)
    must_tell_the_twin(result, pair[0])


def bundle_of(result: ConversionResult) -> Path:
    return Path(result.details["handover"]["bundle"])


def test_without_the_compiler_a_bundle_is_handed_over(shop: Workshop, model: Path, tmp_path: Path) -> None:
    result = convert(shop, model, tmp_path / "out")
    assert (result.status, result.artifact) == ("handed-over", None)
    assert "handed-over" in {f.code for f in result.findings} and result.validation is not None and result.validation.ok
    folder = bundle_of(result)
    assert folder == tmp_path / "out" / "net.handover"
    assert {p.name for p in folder.iterdir()} == {"README.md", "manifest.json", "result.json", "model.tflite", "compile.sh"}
    assert (folder / "model.tflite").read_bytes() == model.read_bytes()
    assert "edgetpu_compiler --show_operations --min_runtime_version 13" in (folder / "README.md").read_text()


def test_a_bundle_names_no_folder_of_this_computer(shop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = bundle_of(convert(shop, model, tmp_path / "out"))
    texts = [p.read_text() for p in folder.iterdir() if p.suffix in (".json", ".md", ".sh")]
    assert len(texts) == 4 and not any(str(tmp_path) in t for t in texts)


def test_plans_show_the_hand_over_and_what_would_complete_it(shop: Workshop, model: Path) -> None:
    plan = api.plan(model, "artpec7", workshop=shop)
    assert plan.routes[0].handover == "edgetpu-compiler:tflite-int8->tflite-edgetpu"
    assert any(VARIABLE in text for text in plan.better)


def test_require_complete_refuses_before_any_work(shop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        convert(shop, model, tmp_path / "out", require_complete=True)
    assert (caught.value.code, caught.value.exit_code) == ("tool-missing", 5)
    assert not (tmp_path / "out").exists() and not (shop.cache.root / "samples").exists()


def compiled_by_a_colleague(bundle: Path, mood: str = "") -> Path:
    """The bundle's own script, on a computer that has the stand-in."""
    environ = os.environ | {"EDGETPU_COMPILER": f"{sys.executable} {STANDIN}", "EDGETPU_STANDIN": mood}
    subprocess.run(["bash", str(bundle / "compile.sh")], check=True, capture_output=True, env=environ, cwd="/")
    return bundle / "model_edgetpu.tflite"


def package_of(content: bytes) -> bytes:
    """What the compiler wrote; the file around it may have been told where it comes from."""
    (operator,) = (o for o in reader.parse(content).subgraphs[0].operators if o.name == "CUSTOM")
    return operator.custom_options


@pytest.mark.parametrize("mood", ["", "crash-without-search"])
def test_the_round_trip_completes_the_result(shop: Workshop, model: Path, tmp_path: Path, mood: str) -> None:
    bundle = bundle_of(convert(shop, model, tmp_path / "out"))
    compiled = compiled_by_a_colleague(bundle, mood)
    result = api.finish(bundle, compiled, out=tmp_path / "done" / "net.tflite", workshop=shop)
    assert (result.status, result.route) == ("succeeded", ("edgetpu-compiler",))
    assert result.artifact is not None and result.artifact.path == tmp_path / "done" / "net.tflite"
    assert package_of(result.artifact.path.read_bytes()) == package_of(compiled.read_bytes())
    assert "handed-over" not in {f.code for f in result.findings} and result.validation is not None
    deploy = json.loads((tmp_path / "done" / "net.deploy.json").read_text())
    assert (deploy["device"], deploy["inputs"][0]["dtype"]) == ("google-edge-tpu-tflite", "uint8")


def test_finish_takes_the_name_that_the_conversion_chose(
    shop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = bundle_of(api.convert(model, "artpec7", workshop=shop))
    assert bundle.name == "net.artpec7.handover"
    result = api.finish(bundle, compiled_by_a_colleague(bundle), workshop=shop)
    assert result.artifact is not None and result.artifact.path == tmp_path / "net.artpec7.tflite"


def other_model() -> bytes:
    net = Net()
    edgetpu(net, net.input((1, 16, 16, 3)), (1, 4), package())
    return net.build()


def test_a_file_of_another_model_is_refused(shop: Workshop, model: Path, tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, model, tmp_path / "out"))
    stranger = tmp_path / "stranger.tflite"
    stranger.write_bytes(other_model())
    with pytest.raises(VerificationFailed) as caught:
        api.finish(bundle, stranger, out=tmp_path / "done.tflite", workshop=shop)
    assert caught.value.code == "compiled-mismatch" and not (tmp_path / "done.tflite").exists()


def test_the_uncompiled_model_is_refused(shop: Workshop, model: Path, tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, model, tmp_path / "out"))
    with pytest.raises(SourceError) as caught:
        api.finish(bundle, bundle / "model.tflite", workshop=shop)
    assert caught.value.code == "compiled-is-model" and "compile.sh" in caught.value.remedy


def test_a_bundle_that_changed_on_its_way_is_told(shop: Workshop, model: Path, tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, model, tmp_path / "out"))
    compiled = compiled_by_a_colleague(bundle)
    (bundle / "compile.sh").write_text("echo other flags")
    result = api.finish(bundle, compiled, out=tmp_path / "done.tflite", workshop=shop)
    (found,) = [f for f in result.findings if f.code == "bundle-changed"]
    assert "compile.sh" in found.message


@pytest.mark.parametrize("wrong", ["missing", "empty", "damaged"])
def test_what_is_no_bundle_is_refused_with_a_remedy(shop: Workshop, tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "x.handover"
    if wrong != "missing":
        folder.mkdir()
    if wrong == "damaged":
        (folder / "manifest.json").write_text('{"schema": "edgeroute-handover/1", "target": 3}')
    with pytest.raises(SourceError) as caught:
        api.finish(folder, STANDIN, workshop=shop)
    assert caught.value.code == ("bundle-damaged" if wrong == "damaged" else "bundle-unknown")


def test_a_bundle_may_replace_a_bundle_but_nothing_else(shop: Workshop, model: Path, tmp_path: Path) -> None:
    first = bundle_of(convert(shop, model, tmp_path / "out"))
    assert bundle_of(convert(shop, model, tmp_path / "out")) == first
    (first / "manifest.json").unlink()
    with pytest.raises(OutputError) as caught:
        convert(shop, model, tmp_path / "out")
    assert caught.value.code == "output-exists" and (first / "compile.sh").exists()


@pytest.mark.usefixtures("tool")
def test_segments_come_beside_the_first_by_its_name(shop: Workshop, model: Path, tmp_path: Path) -> None:
    result = convert(shop, model, tmp_path / "out", options=settings(num_segments=2))
    assert result.steps[0].notes["companions"] == ["model.segment-1-of-2.tflite"]
    must_be_segments(result, tmp_path / "out", "net.segment-1-of-2.tflite")


def test_segments_of_a_colleague_complete_a_bundle(shop: Workshop, model: Path, tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, model, tmp_path / "out", options=settings(num_segments=3)))
    assert "`model_edgetpu.segment-2-of-3.tflite`, which the script leaves" in (bundle / "README.md").read_text()
    result = api.finish(bundle, compiled_by_a_colleague(bundle), out=tmp_path / "done" / "net.tflite", workshop=shop)
    must_be_segments(result, tmp_path / "done", "net.segment-1-of-3.tflite", "net.segment-2-of-3.tflite")


def must_be_segments(result: ConversionResult, folder: Path, *names: str) -> None:
    assert result.status == "succeeded" and result.artifact is not None
    assert [f.name for f in result.artifact.files] == list(names)
    files = [reader.read(folder / name).subgraphs[0] for name in ("net.tflite", *names)]
    ends = [[file.tensors[i].name for i in side] for file in files for side in (file.inputs, file.outputs)]
    assert ends[1:-1:2] == ends[2::2] and ends[0] != ends[2]
    (told,) = [f for f in result.findings if f.code == "edgetpu-segments"]
    assert f"{len(files)} files" in told.message and "num_segments" in told.remedy


def test_a_segment_that_is_missing_or_strange_is_named(shop: Workshop, model: Path, tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, model, tmp_path / "out", options=settings(num_segments=2)))
    compiled = compiled_by_a_colleague(bundle)
    last = bundle / "model_edgetpu.segment-1-of-2.tflite"
    shutil.copy(compiled, last)
    with pytest.raises(VerificationFailed) as strange:
        api.finish(bundle, compiled, out=tmp_path / "done.tflite", workshop=shop)
    last.unlink()
    with pytest.raises(SourceError) as missing:
        api.finish(bundle, compiled, out=tmp_path / "done.tflite", workshop=shop)
    assert strange.value.code == "compiled-mismatch" and "has no output" in strange.value.message
    assert missing.value.code == "compiled-incomplete" and last.name in missing.value.message and "compile.sh" in missing.value.remedy
    assert not (tmp_path / "done.tflite").exists()
