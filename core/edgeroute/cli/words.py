"""Options that several sub-commands share, and what they mean."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from edgeroute.types import Preprocess
from edgeroute.verify.thresholds import Thresholds


def add_preprocess(group: argparse._ArgumentGroup) -> None:
    """x = (pixel * scale - mean) / std, as in training."""
    group.add_argument(
        "--preprocess", metavar="FILE|NAME", help="a preprocessing file (.toml, .json) or a preset: 0..1, -1..1, 0..255, imagenet"
    )
    group.add_argument("--scale", metavar="S", help="factor for pixels, 1/255 for example; then mean and std apply")
    group.add_argument("--mean", metavar="M[,M,M]", help="subtracted after scaling")
    group.add_argument("--std", metavar="S[,S,S]", help="divided by after subtracting")
    group.add_argument("--color", choices=("rgb", "bgr", "grey"), help="channel order that the network was trained on")
    group.add_argument("--resize", choices=("stretch", "crop", "letterbox"), help="how pictures are fitted to the input")


def add_words(group: argparse._ActionsContainer) -> None:
    """What a source of some kinds cannot tell by itself: the user's word, the network's code, the signature."""
    group.add_argument(
        "--trust-pickle", action="store_true", help="allow formats that can run code when loaded (pickled modules, TorchScript, …)"
    )
    group.add_argument("--model", metavar="PACKAGE.MODULE:FACTORY", default="", help="builds the network that a state dict belongs to")
    group.add_argument("--signature", metavar="NAME", default="", help="which signature of a SavedModel")


def add_thresholds(group: argparse._ArgumentGroup) -> None:
    """The marks of verification, with their defaults."""
    known = ", ".join(f"{f.name}={f.default:g}" for f in dataclasses.fields(Thresholds))
    group.add_argument("--min-sqnr", type=float, metavar="DB", help="an int8 step fails below this signal-to-quantization-noise ratio")
    group.add_argument(
        "--threshold", action="append", default=[], metavar="NAME=VALUE", help=f"move a mark of verification (may be repeated): {known}"
    )


def preprocess(arguments: argparse.Namespace) -> Preprocess:
    """The preprocessing that the options describe."""
    from edgeroute.verify import preprocess as reader

    named = arguments.preprocess or ""
    is_file = bool(named) and (Path(named).suffix in (".toml", ".json") or Path(named).exists())
    return reader.from_options(
        file=named if is_file else "", preset="" if is_file else named, scale=arguments.scale or "", mean=arguments.mean or "",
        std=arguments.std or "", color=arguments.color or "", resize=arguments.resize or "",
    )  # fmt: skip


def names(text: str) -> tuple[str, ...]:
    """Words with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def runtime(texts: list[str]) -> dict[str, str]:
    """`tflite=2.3.1` → {"tflite": "2.3.1"}; a bare word is a profile of the target."""
    pairs = [text.partition("=") for text in texts]
    return {name if equals else "profile": value if equals else name for name, equals, value in pairs}
