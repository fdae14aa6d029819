"""How each input is fed to the parser: which bytes, and which flags make of them what the network takes. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeroute.errors import ConverterFailed
from edgeroute.types import Preprocess, Tensor
from edgeroute_plugins.ambarella.options import Options
from edgeroute_plugins.ambarella.preflight import is_picture

UINT8 = "0,0,0,0"
"""`idf`: sign, bits, exponent offset, exponent bits."""
UINT8_OVER_256 = "0,0,8,0"
FLOAT32 = "1,2,0,7"
NEAR = 1e-6
PIXELS = (0.0, 255.0)


@dataclass(frozen=True)
class Feed:
    """One input of the model."""

    index: int
    name: str
    shape: tuple[int, ...]
    """As the parser gets it: NCHW for pictures."""
    picture: bool
    idf: str
    mean: tuple[float, ...] = ()
    """`im`: subtracted from the pixel, per channel."""
    divisor: tuple[float, ...] = ()
    """`ic`: what is divided by afterwards."""

    @property
    def folder(self) -> str:
        """Of its calibration binaries, relative to the script."""
        return "dra_image_bin" if self.index == 0 else f"dra_image_bin_{self.index}"

    @property
    def images(self) -> str:
        """Of its calibration pictures."""
        return "images" if self.index == 0 else f"images_{self.index}"

    @property
    def listing(self) -> str:
        return f"{self.folder}/dra_bin_list.txt"

    @property
    def sample_bytes(self) -> int:
        """Size of one binary."""
        count = 1
        for size in self.shape:
            count *= size
        return count * (1 if self.picture else 4)


def feeds_of(inputs: Sequence[Tensor], options: Options) -> list[Feed]:
    """A feed per input; raises ConverterFailed where pixels cannot be told from the network's numbers."""
    return [_feed(i, t, options) for i, t in enumerate(inputs)]


def _feed(index: int, tensor: Tensor, options: Options) -> Feed:
    shape = tuple(int(d or 1) for d in tensor.shape)
    if not is_picture(tensor):
        return Feed(index, tensor.name, shape, False, FLOAT32)
    planar = shape if shape[1] == 3 else (shape[0], shape[3], shape[1], shape[2])
    low, high = border(options)
    if _near(low, (PIXELS[0],)) and _near(high, (PIXELS[1],)):
        return Feed(index, tensor.name, planar, True, UINT8)
    if _near(low, (0.0,)) and _near(high, (1.0,)):
        return Feed(index, tensor.name, planar, True, UINT8_OVER_256)
    steps = tuple((b - a) / 255 for a, b in zip(low, high, strict=True))
    return Feed(
        index, tensor.name, planar, True, UINT8, tuple(-a / s for a, s in zip(low, steps, strict=True)), tuple(1 / s for s in steps)
    )  # fmt: skip


def border(options: Options) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What pixels 0 and 255 are to the network: one value each, or one per channel."""
    if options.input_range is not None:
        return (options.input_range[0],), (options.input_range[1],)
    if not options.preprocess.known:
        raise ConverterFailed(
            "calibration pictures cannot be made: how pixels become the network's input is not known",
            remedy="say how it was trained: --preprocess 0..1 (or -1..1, imagenet, a file), with --calibrate FOLDER",
            code="ambarella-training-unknown",
        )
    return _at(0, options.preprocess), _at(255, options.preprocess)


def _at(pixel: int, preprocess: Preprocess) -> tuple[float, ...]:
    channels = max(len(preprocess.mean), len(preprocess.std))
    mean, std = (v * channels if len(v) == 1 else v for v in (preprocess.mean, preprocess.std))
    return tuple((pixel * preprocess.scale - m) / s for m, s in zip(mean, std, strict=True))


def _near(values: tuple[float, ...], wanted: tuple[float, ...]) -> bool:
    return all(abs(v - wanted[0]) < NEAR * max(1.0, abs(wanted[0])) for v in values)
