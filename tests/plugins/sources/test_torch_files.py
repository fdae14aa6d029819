"""PyTorch's files are told apart without unpickling them; a booby-trapped one does not go off."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from edgeroute.errors import SourceError
from edgeroute.types import Recognition
from edgeroute_plugins.sources import archives
from edgeroute_plugins.sources.plugin import edgeroute_recognize
from edgeroute_plugins.sources.torch_files import LEGACY_MAGIC
from tests.plugins.sources.test_plugin import facts, recognise


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for name, content in members.items():
            out.writestr(name, content)
    return path


def zipped(path: Path, content: bytes) -> Recognition:
    found = edgeroute_recognize(archive(path, {"any/data.pkl": content, "any/byteorder": b"little", "any/version": b"3"}))
    assert found is not None
    return found


class Bomb:
    """Loading it would leave a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_booby_trapped_pickle_does_not_go_off(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "it-went-off"
    payload = pickle.dumps({"state_dict": OrderedDict(a=1), "surprise": Bomb(mark)}, protocol=protocol)
    found = zipped(tmp_path / "innocent.pt", payload)
    assert not mark.exists()
    assert found.format == "torch-module" and found.facts.details["foreign"] == [f"{os.system.__module__}.system"]
    (finding,) = found.facts.findings
    assert finding.code == "pickle-suspicious" and "--trust-pickle" in finding.remedy
    pickle.loads(payload)
    assert mark.exists(), "the trap is a real one"


def test_a_trap_in_an_old_file_does_not_go_off_either(tmp_path: Path) -> None:
    mark = tmp_path / "it-went-off"
    parts = [
        LEGACY_MAGIC + bytes.fromhex("6aa850192e"),
        pickle.dumps(1001, 2),
        pickle.dumps({"little_endian": True}, 2),
        pickle.dumps(Bomb(mark), 2),
    ]
    (tmp_path / "old.pt").write_bytes(b"".join(parts))
    found = edgeroute_recognize(tmp_path / "old.pt")
    assert found is not None and found.format == "torch-module" and not mark.exists()


@pytest.mark.parametrize(
    "module", ["builtins eval", "torch.hub load", "torch.serialization load", "torch load", "numpy.testing run", "__main__ Net"]
)
def test_whatever_is_not_known_to_be_harmless_needs_trust(tmp_path: Path, module: str) -> None:
    name = "c" + "\n".join(module.split()) + "\n"
    found = zipped(tmp_path / "x.pt", b"\x80\x02" + name.encode() + b"X\x01\0\0\0a\x85R.")
    assert found.format == "torch-module", module


def test_a_state_dictionary() -> None:
    details = facts("state.pt").details
    assert (details["holds"], details["tensors"], details["parameters"]) == ("state-dict", 4, 122)
    assert details["keys"] == ["c.weight", "c.bias", "f.weight", "f.bias"] and details["foreign"] == []
    assert "torch.FloatStorage" in details["globals"]
    assert facts("state-legacy.pt").details["keys"] == details["keys"]


def test_a_checkpoint() -> None:
    details = facts("checkpoint.pt").details
    assert (details["holds"], details["keys"]) == ("checkpoint", ["state_dict", "epoch", "optimizer"])
    assert details["parameters"] == 122


def test_pickled_modules_name_their_classes() -> None:
    module, checkpoint = facts("module.pt").details, facts("checkpoint-module.pt").details
    assert (module["holds"], module["root"]) == ("module", "__main__.Net")
    assert "torch.nn.modules.conv.Conv2d" in module["foreign"]
    assert (checkpoint["holds"], checkpoint["root"], checkpoint["keys"]) == ("checkpoint", "dict", ["model", "epoch"])


def test_a_module_from_before_1_6(tmp_path: Path) -> None:
    body = b"\x80\x02(X\x06\0\0\0modulec__main__\nNet\nX\x06\0\0\0net.pytQ)\x81}X\x01\0\0\0aK\x01sb."
    parts = [LEGACY_MAGIC + bytes.fromhex("6aa850192e"), pickle.dumps(1001, 2), pickle.dumps({}, 2), body]
    (tmp_path / "old.pt").write_bytes(b"".join(parts))
    found = edgeroute_recognize(tmp_path / "old.pt")
    assert found is not None and found.format == "torch-module" and found.facts.details["root"] == "__main__.Net"


def test_torchscript_keeps_the_inputs_of_its_trace() -> None:
    found = recognise("script.pt")
    (image,) = found.facts.inputs
    assert (image.shape, image.dtype, image.layout) == ((1, 3, 8, 8), "float32", "NCHW")


def test_torchscript_without_a_trace(tmp_path: Path) -> None:
    found = edgeroute_recognize(archive(tmp_path / "s.pt", {"s/data.pkl": b"", "s/code/__torch__.py": b"", "s/constants.pkl": b""}))
    assert found is not None and found.format == "torchscript" and found.facts.inputs == ()


def test_an_exported_program_states_its_ends() -> None:
    found = recognise("exported.pt2").facts
    (image,), (result,) = found.inputs, found.outputs
    assert (image.name, image.shape, image.dtype, image.layout) == ("x", (None, 3, 8, 8), "float32", "NCHW")
    assert result.shape == (None, 2)
    assert found.operators["aten.conv2d.default"] == 1 and found.details["torch_version"].startswith("2.")


def test_an_exported_program_with_another_schema(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt2", {"x/models/model.json": b'{"graph_module": []}', "x/archive_format": b"pt2"})
    with pytest.raises(SourceError) as caught:
        edgeroute_recognize(path)
    assert caught.value.code == "torch-exported-unreadable"


def test_other_archives_are_left_to_others(tmp_path: Path) -> None:
    assert edgeroute_recognize(archive(tmp_path / "x.zip", {"readme.txt": b"hello", "data.pkl": b""})) is None
    assert edgeroute_recognize(archive(tmp_path / "y.zip", {"a/readme.txt": b"hello"})) is None


def test_damaged_archives(tmp_path: Path) -> None:
    good = archive(tmp_path / "good.pt", {"a/data.pkl": b"\x80\x02}.", "a/version": b"3"}).read_bytes()
    for name, content in {"cut.pt": good[:-30], "head.pt": good[:40], "pickle.pt": good.replace(b"\x80\x02}.", b"\x80\x02\xff.")}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError) as caught:
            edgeroute_recognize(tmp_path / name)
        assert caught.value.code == "archive-damaged" and name in str(caught.value)


def test_archives_that_mean_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "large.pt", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a/data.pkl", b"\0" * 4_000_000)
    paths = [
        archive(tmp_path / "outside.pt", {"../data.pkl": b"", "../version": b""}),
        archive(tmp_path / "many.pt", {f"a/{i}": b"" for i in range(60)}),
        tmp_path / "large.pt",
    ]
    monkeypatch.setattr(archives, "MOST_MEMBERS", 50)
    monkeypatch.setattr(archives, "MOST_BYTES", 1_000_000)
    for path in paths:
        with pytest.raises(SourceError) as caught:
            edgeroute_recognize(path)
        assert caught.value.code == "archive-suspicious", path


def test_an_archive_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.pt", {"a/data.pkl": b"\x80\x02}.", "a/data/0": b"x"})
    content = bytearray(path.read_bytes())
    place = content.rindex(b"a/data/0") - 46 + 24
    content[place : place + 4] = (0x70000000).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    with pytest.raises(SourceError, match="unpacks to"):
        edgeroute_recognize(path)


def test_a_traced_module_tells_its_inputs_by_their_own_names() -> None:
    assert [(t.name, t.shape) for t in facts("script.pt").inputs] == [("x", (1, 3, 8, 8))]
