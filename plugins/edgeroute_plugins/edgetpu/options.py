"""Options of `edgetpu-compiler`, one for each flag of the compiler that decides its output."""

from __future__ import annotations

from dataclasses import dataclass

from edgeroute.types import option

RUNTIMES = (0, 10, 11, 12, 13, 14)


@dataclass(frozen=True)
class Options:
    """What edgetpu_compiler is asked for."""

    min_runtime_version: int = option(
        13,
        "oldest Edge TPU runtime that must load the file; 13 is the safe request, since the camera's is not published; 0 takes the compiler's newest",
        choices=RUNTIMES,
    )
    search_delegate: str = option(
        "auto",
        "look for an earlier end of the Edge TPU part: auto (when the compiler crashes without it), always or never",
        choices=("auto", "always", "never"),
    )
    delegate_search_step: int = option(0, "step of that search in operators; 0 leaves it to the compiler")
    timeout: int = option(180, "seconds that the compiler gives itself")
    intermediate_tensors: tuple[str, ...] = option((), "end the Edge TPU part at these tensors; what follows runs on the CPU")
    num_segments: int = option(1, "cut the model into this many files, to be run one after the other (a camera has one Edge TPU)")
    multiple_subgraphs: bool = option(False, "allow more than one Edge TPU part; rule A7-023 refuses such a file for ARTPEC-7")
