"""Where results go: a folder is replaced only where a conversion left it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute import provenance
from edgeroute.errors import OutputError
from edgeroute.files import write_json
from edgeroute.recognize import digest_files
from edgeroute.runner.deliver import must_be_writable, put
from edgeroute.types import Artifact


def folder(place: Path, text: str) -> Artifact:
    (place / "variables").mkdir(parents=True)
    (place / "variables" / "data").write_text(text)
    return Artifact(place, "savedmodel", digest_files(place)[1], len(text))


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A result that is a folder, with its origin beside it."""
    result = put(folder(tmp_path / "work" / "model", "old"), tmp_path / "out")
    write_json(provenance.beside(result.path), {"artifact": {"sha256": result.sha256}})
    return result.path


def test_the_next_result_takes_the_place_of_the_one_before(earlier: Path, tmp_path: Path) -> None:
    must_be_writable(earlier, tmp_path / "source")
    put(folder(tmp_path / "more" / "model", "new"), earlier)
    assert (earlier / "variables" / "data").read_text() == "new"


@pytest.mark.parametrize("change", ["edited", "another file", "no origin", "an origin that says nothing"])
def test_what_a_user_changed_is_never_thrown_away(earlier: Path, tmp_path: Path, change: str) -> None:
    match change:
        case "edited":
            (earlier / "variables" / "data").write_text("mine")
        case "another file":
            (earlier / "notes").write_text("mine")
        case "no origin":
            provenance.beside(earlier).unlink()
        case _:
            provenance.beside(earlier).write_text("[]")
    with pytest.raises(OutputError) as caught:
        must_be_writable(earlier, tmp_path / "source")
    assert caught.value.code == "output-is-folder"
    assert caught.value.remedy.endswith(f"--out {tmp_path / 'out-new'}")


def test_a_file_never_takes_a_folders_place(earlier: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        must_be_writable(earlier, tmp_path / "source", folder=False)
