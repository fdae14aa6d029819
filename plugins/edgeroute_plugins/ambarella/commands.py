"""The documented command sequence, with the model's own names and sizes. Standard library only."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from edgeroute.types import Tensor
from edgeroute_plugins.ambarella.feeds import Feed
from edgeroute_plugins.ambarella.options import Options

NAME = "model"
PARSED = "out"
PARSERS = {".onnx": "onnxparser.py", ".tflite": "tfparser.py"}


def produces(chip: str) -> str:
    """The compiled file."""
    return f"{NAME}_{chip}.bin"


def commands(model: str, suffix: str, feeds: Sequence[Feed], outputs: Sequence[Tensor], chip: str, options: Options) -> list[str]:
    """gen_image_list.py for every picture, the parser, vas, cavalry_gen; to be run in the folder that holds the model."""
    return [
        *(_gen_image_list(f) for f in feeds if f.picture and options.calibration_files == "images"),
        _parser(model, suffix, feeds, outputs, options),
        shlex.join(["vas", "-auto", "-show-progress", f"{PARSED}/{NAME}.vas"]),
        shlex.join(["cavalry_gen", "-d", "vas_output/", "-f", produces(chip)]),
    ]


def _gen_image_list(feed: Feed) -> str:
    height, width = feed.shape[2:4]
    return shlex.join([
        "gen_image_list.py", "-f", feed.images, "-o", f"{feed.images}_list.txt", "-ns", "-e", ".jpg", "-c", "0", "-d", "0,0", "-r", f"{height},{width}",
        "-bf", feed.folder, "-bo", feed.listing,
    ])  # fmt: skip


def _parser(model: str, suffix: str, feeds: Sequence[Feed], outputs: Sequence[Tensor], options: Options) -> str:
    words = [PARSERS[suffix], "-m" if suffix == ".onnx" else "-p", model]
    words += [w for feed in feeds for w in ("-isrc", source(feed))]
    words += ["-o", NAME, "-of", PARSED]
    words += [w for tensor in outputs for w in ("-odst", f"o:{tensor.name}|odf:{options.output_format}")]
    forced = ",".join(_forced(options))
    return shlex.join([*words, *(["-c", forced] if forced else [])])


def source(feed: Feed) -> str:
    """`is:1,3,H,W|iq|idf:…|i:NAME=LIST`, with `im` and `ic` where the network does not take plain pixels."""
    parts = [f"is:{','.join(map(str, feed.shape))}", "iq", f"idf:{feed.idf}"]
    parts += [f"im:{_numbers(feed.mean)}"] if any(feed.mean) else []
    parts += [f"ic:{_numbers(feed.divisor)}"] if feed.divisor else []
    return "|".join([*parts, f"i:{feed.name}={feed.listing}"])


def _numbers(values: Sequence[float]) -> str:
    return ",".join(f"{v:.8g}" for v in values)


def _forced(options: Options) -> Iterator[str]:
    if options.activations:
        yield f"act-force-{options.activations}"
    if options.coefficients:
        yield f"coeff-force-{options.coefficients}"
