"""Tests of the hooks that run in the caller's process: what they do with garbage, with foreign folders and with global state."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from edgeroute.errors import EdgerouteError
from edgeroute.testing.declared import declared
from edgeroute.testing.state import unchanged, untouched
from edgeroute.types import Artifact, Recognition, Target, ValidationReport

Sample = Path | Callable[[Path], Path]
GARBAGE: Mapping[str, bytes] = {
    "empty": b"",
    "zeros": bytes(4096),
    "text": b"not a model\n" * 50,
    "noise": bytes((i * 193 + i * i * 7) % 256 for i in range(4096)),
    "a broken zip": b"PK\x03\x04" + bytes(64),
    "broken JSON": b'{"kind": [1, 2',
}


class Conduct:
    """A hook answers, says no, or raises an error of ours; it never does anything else."""

    plugin: str
    samples: Mapping[str, Sample] = {}

    @pytest.mark.parametrize("kind", GARBAGE)
    def test_recognize_takes_no_garbage(self, kind: str, suffix: str, tmp_path: Path) -> None:
        recognize = self._recognize()
        file = tmp_path / f"garbage{suffix}"
        file.write_bytes(GARBAGE[kind])
        self._refuses(recognize, file, f"recognizing {kind} called {file.name}")

    def test_recognize_takes_no_strange_folder(self, suffix: str, tmp_path: Path) -> None:
        folder = tmp_path / f"folder{suffix}"
        folder.mkdir()
        (folder / "readme.txt").write_text("nothing")
        self._refuses(self._recognize(), folder, "recognizing a folder of something else")

    def test_recognize_says_no_to_a_missing_file(self, suffix: str, tmp_path: Path) -> None:
        self._refuses(self._recognize(), tmp_path / f"missing{suffix}", "recognizing a file that is not there")

    @pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
    def test_recognize_survives_a_truncated_sample(self, sample: tuple[str, Sample], share: float, tmp_path: Path) -> None:
        """A damaged file may still be recognized (the runner finds out), but it must not bring the caller down."""
        whole = place_sample(sample[1], tmp_path / "whole")
        if whole.is_dir():
            return
        cut = tmp_path / "cut" / whole.name
        cut.parent.mkdir()
        cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        with unchanged("recognizing a truncated file"), untouched(cut.parent, "recognizing a truncated file"):
            _answer(self._recognize(), cut)

    def test_recognize_measures_a_sample_and_leaves_it_alone(self, sample: tuple[str, Sample], tmp_path: Path) -> None:
        name, model = sample
        own = {f.name for f in declared(self.plugin).formats}
        path = place_sample(model, tmp_path / "model")
        with unchanged(f"recognizing {path.name}"), untouched(path.parent, f"recognizing {path.name}"):
            answer = _answer(self._recognize(), path)
        if name in own:
            assert isinstance(answer, Recognition), f"edgeroute_recognize() does not know the sample of {name}, {path.name}"
            assert all(f.resolve().is_relative_to(path.parent.resolve()) for f in answer.files), "further files lie in the model's folder"

    def test_capture_leaves_foreign_objects_alone(self, tmp_path: Path) -> None:
        capture = getattr(declared(self.plugin).module, "edgeroute_capture", None)
        if capture is None:
            return
        for thing in (object(), 3, "text", [1, 2], None):
            with unchanged("capturing"), untouched(tmp_path, "capturing a foreign object"):
                assert capture(obj=thing, folder=tmp_path, inputs=None) is None, f"edgeroute_capture() takes a {type(thing).__name__}"

    def test_check_survives_a_file_of_which_nothing_is_known(self, target: Target, tmp_path: Path) -> None:
        check = getattr(declared(self.plugin).module, "edgeroute_check", None)
        if check is None:
            return
        file = tmp_path / "file.bin"
        file.write_bytes(GARBAGE["noise"])
        with unchanged("checking"), untouched(tmp_path, "checking a file"):
            answer = check(artifact=Artifact(file, target.accepts[0], "0" * 64, 4096), target=target, context={})
        assert answer is None or isinstance(answer, ValidationReport), "edgeroute_check() answers a ValidationReport or None"

    def test_check_leaves_foreign_devices_alone(self, tmp_path: Path) -> None:
        check = getattr(declared(self.plugin).module, "edgeroute_check", None)
        if check is None:
            return
        foreign = Target("somebody-elses-device", "not ours", ("somebody-elses-format",))
        answer = check(artifact=Artifact(tmp_path / "x", "somebody-elses-format", "0" * 64, 1), target=foreign, context={})
        assert answer is None, "edgeroute_check() must answer None for a target that is not the plugin's own"

    def _recognize(self) -> Callable[..., Any]:
        recognize = getattr(declared(self.plugin).module, "edgeroute_recognize", None)
        return recognize if recognize is not None else lambda path: None

    def _refuses(self, recognize: Callable[..., Any], path: Path, doing: str) -> None:
        with unchanged(doing), untouched(path.parent, doing):
            answer = _answer(recognize, path)
        assert not isinstance(answer, Recognition), f"{doing} gave {answer.format if answer else ''}: look at the content, not at the name"


def _answer(recognize: Callable[..., Any], path: Path) -> Recognition | None:
    """What the hook says; an error of ours is a way of saying no. Anything else that it raises fails the test."""
    try:
        answer = recognize(path=path)
    except EdgerouteError as error:
        assert error.remedy.strip() and error.message.strip()
        return None
    assert answer is None or isinstance(answer, Recognition), f"edgeroute_recognize() answers a Recognition or None, not {answer!r}"
    return answer


def place_sample(sample: Sample, folder: Path) -> Path:
    """A copy of a sample in a folder of its own, with the files that lie beside it under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(sample, Path):
        return sample(folder)
    if sample.is_dir():
        return Path(shutil.copytree(sample, folder / sample.name))
    for file in sample.parent.glob(f"{sample.stem}.*"):
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    return folder / sample.name
