"""What edgeroute knows of a conversion, under the names that options of converters ask for it by (`fill`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgeroute.resolve import folder_of
from edgeroute.runner.chain import NO_STEPS, Chain
from edgeroute.runner.request import Request
from edgeroute.types import Tensor
from edgeroute.verify.preprocess import pixel_range

if TYPE_CHECKING:
    from edgeroute.runner.measure import Samples


def fills(samples: Samples | None, inputs: Sequence[Tensor], request: Request, chain: Chain = NO_STEPS) -> Mapping[str, object]:
    """What edgeroute puts into options that are declared with `fill`."""
    values: dict[str, object] = {
        "input_shapes": {t.name: t.shape for t in inputs},
        "preprocess": request.preprocess,
        "trust": request.trust_pickle,
        "model_factory": request.model_factory,
        "signature": request.signature,
        "code_path": _code_path(request),
    }
    values["input_range"] = (0.0, 255.0) if chain.raw_pixels else pixel_range(request.preprocess)
    if samples is not None:
        from edgeroute.runner import measure

        values["calibration"] = measure.as_pixels(samples.calibration) if chain.raw_pixels else samples.calibration
    return values


def _code_path(request: Request) -> str:
    """Where the user's own code lies, if any is to run: the factory's folder, or the current one for a pickled module."""
    if request.model_factory:
        return str(folder_of(request.model_factory))
    return str(Path.cwd()) if request.trust_pickle else ""
