"""An exported program that can do more than compute is refused before anything is loaded; one that cannot is not."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute_plugins.torch_onnx.screen import harmless_expression, judge, rewritten, screen

SYMBOL = "Symbol('s17', positive=True, integer=True)"


def program() -> dict[str, Any]:
    """What matters of `models/model.json` as torch 2.13 writes it, with an open batch."""
    batch = {"as_expr": {"expr_str": SYMBOL, "hint": {"as_int": 3}}}
    node = {
        "target": "torch.ops.aten.linear.default",
        "inputs": [{"name": "input", "arg": {"as_tensor": {"name": "x"}}, "kind": 1}, {"name": "mode", "arg": {"as_string": "a-b, c!"}}],
        "outputs": [{"as_tensor": {"name": "linear"}}],
        "metadata": {"stack_trace": 'File "model.py", line 3, in forward', "nn_module_stack": "L['self'],,(model.Net)"},
    }
    tree = json.dumps([1, {"type": "builtins.tuple", "context": "null", "children_spec": []}])
    graph = {"nodes": [node], "tensor_values": {"x": {"dtype": 7, "sizes": [batch, {"as_int": 4}]}}, "sym_int_values": {"mul": dict(batch)}}
    call = [{"fqn": "", "signature": {"in_spec": tree, "out_spec": tree, "forward_arg_names": ["x"]}}]
    guards = ["L['x'].size()[0] <= 64"]
    return {
        "graph_module": {"graph": graph, "module_call_graph": call},
        "torch_version": "2.13.0+cpu",
        "guards_code": guards,
        "range_constraints": {"8*s17": {"max_val": 64}},
    }


def write(path: Path, content: dict[str, Any], extra: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED) -> Path:
    members = {"models/model.json": json.dumps(content).encode(), "data/weights/weight_0": b"\0" * 16, "data/sample_inputs/model.pt": b"PK"}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in {**members, "archive_format": b"pt2", "byteorder": b"little", **(extra or {})}.items():
            archive.writestr(f"net/{name}", data)
    return path


def test_a_program_of_plain_operators_passes(tmp_path: Path) -> None:
    assert screen(write(tmp_path / "net.pt2", program())) == []


def test_a_program_that_torch_wrote_passes() -> None:
    assert screen(Path(__file__).parents[1] / "sources" / "files" / "exported.pt2") == []


def expression(content: dict[str, Any]) -> None:
    content["graph_module"]["graph"]["sym_int_values"]["mul"]["as_expr"]["expr_str"] = "__import__('os').system('touch it')"


def operator(content: dict[str, Any]) -> None:
    content["graph_module"]["graph"]["nodes"][0]["target"] = "torch.os.system"


def saving(content: dict[str, Any]) -> None:
    content["graph_module"]["graph"]["nodes"][0]["target"] = "torch.ops.aten.save.default"


def foreign(content: dict[str, Any]) -> None:
    content["graph_module"]["graph"]["nodes"][0]["target"] = "torch.ops.mylib.launch.default"


def name(content: dict[str, Any]) -> None:
    content["graph_module"]["graph"]["nodes"][0]["outputs"][0]["as_tensor"]["name"] = "x=__import__('os')"


def key(content: dict[str, Any]) -> None:
    content["graph_module"]["graph"]["tensor_values"]["x, y=print()"] = {"dtype": 7}


def tree(content: dict[str, Any]) -> None:
    content["graph_module"]["module_call_graph"][0]["signature"]["in_spec"] = json.dumps([1, {"type": "os.PathLike", "children_spec": []}])


@pytest.mark.parametrize("change", [expression, operator, saving, foreign, name, key, tree])
def test_whatever_torch_would_evaluate_or_resolve_is_told(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = program()
    change(content)
    assert len(screen(write(tmp_path / "net.pt2", content))) == 1


@pytest.mark.parametrize(
    "member", ["data/aotinductor/model/x.so", "data/constants/custom_obj_0", "data/constants/opaque_obj_0", "../../x.json"]
)
def test_members_that_are_not_plain_tensors_are_told(tmp_path: Path, member: str) -> None:
    (reason, *_) = screen(write(tmp_path / "net.pt2", program(), {member: b"{}"}))
    assert member in reason


def test_a_compressed_archive_is_told(tmp_path: Path) -> None:
    assert screen(write(tmp_path / "net.pt2", program(), compression=zipfile.ZIP_DEFLATED)) == ["compressed members"]


def test_a_name_that_stands_twice_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt2", program())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/byteorder", b"little")
    assert screen(path) == ["two members of one name"]


@pytest.mark.parametrize("text", [SYMBOL, f"Mul(Integer(2), {SYMBOL})", "s0 + 1", "2*s0", "FloorDiv(s0, 4)", "Max(1, s3)", ""])
def test_arithmetic_on_symbols_is_harmless(text: str) -> None:
    assert harmless_expression(text)


@pytest.mark.parametrize("text", ["open('x')", "s0.evalf()", "lambda: s0", "[s0]", "s0; s1", "Symbol('__class__')", "exec('')", "f(s0)"])
def test_anything_else_is_not(text: str) -> None:
    assert not harmless_expression(text)


@given(st.text(alphabet="abcdefghimnoprstyx_.()[]{}'\"0123 ,+-*/:;=\\@!", min_size=1, max_size=40))
def test_an_expression_that_passes_neither_calls_nor_looks_up_anything(text: str) -> None:
    if harmless_expression(text):
        assert not set(text) & set('.[]{}":;\\@!') and "import" not in text and "exec" not in text and "open" not in text


@given(st.text(max_size=60))
def test_operators_that_pass_are_torchs_own(text: str) -> None:
    if not list(judge(text, "target")):
        assert text.startswith(("torch.ops.", "_operator.", "math.", "torch.sym_"))


def test_a_rewritten_archive_holds_the_same(tmp_path: Path) -> None:
    source = write(tmp_path / "net.pt2", program())
    copy = rewritten(source, tmp_path / "copy.pt2")
    with zipfile.ZipFile(source) as a, zipfile.ZipFile(copy) as b:
        assert {n: a.read(n) for n in a.namelist()} == {n: b.read(n) for n in b.namelist()}
