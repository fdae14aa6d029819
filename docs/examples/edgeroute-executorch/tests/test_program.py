"""Programs are read without ExecuTorch: hand-made flatbuffers, whole and damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from edgeroute_executorch import program
from edgeroute_executorch.check import check
from edgeroute_executorch.plugin import edgeroute_recognize, edgeroute_targets

from edgeroute.errors import SourceError
from edgeroute.types import Artifact, Facts

INT8, FLOAT = edgeroute_targets()


def test_an_identifier_alone_is_a_damaged_program(tmp_path: Path) -> None:
    file = tmp_path / "x.pte"
    for content in (
        struct.pack("<I", 8) + b"ET12",
        struct.pack("<I", 1 << 30) + b"ET12" + bytes(64),
        struct.pack("<I", 8) + b"ET12" + b"\xff" * 64,
    ):
        file.write_bytes(content)
        with pytest.raises(SourceError, match="damaged"):
            edgeroute_recognize(file)


def test_other_flatbuffers_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "x.pte"
    file.write_bytes(struct.pack("<I", 8) + b"TFL3" + bytes(64))
    assert edgeroute_recognize(file) is None
    file.write_bytes(b"")
    assert edgeroute_recognize(file) is None


def report(**details: object) -> list[str]:
    facts = Facts(operators={"aten::nonzero.out": 1, "aten::view_copy.out": 3}, details=details)
    return [f.code for f in check(Artifact(Path("m.pte"), "executorch", "0" * 64, 1, facts), FLOAT).findings]


def test_what_the_target_does_not_have_is_found() -> None:
    assert report(delegates=["XnnpackBackend"], quantized=True) == ["ET-003"]
    assert report(delegates=["CoreMLBackend"], quantized=True) == ["ET-001", "ET-003"]
    assert report(delegates=[], quantized=False) == ["ET-002", "ET-004"]


def test_methods_and_kernels_are_facts() -> None:
    found = program.Program(("forward", program.QUANTIZED), (), (), {"aten::add.out": 2}, ("XnnpackBackend",))
    facts = program.facts(found, 10)
    assert found.is_quantized and facts.details["quantized"] is True and facts.operators == {"aten::add.out": 2}
    assert [f.code for f in check(Artifact(Path("m.pte"), "executorch-int8", "0" * 64, 1, facts), INT8).findings] == ["ET-003"]
