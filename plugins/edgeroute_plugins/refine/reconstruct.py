"""Weights and biases of an int8 file fitted, layer by layer, to what the float model computes.

A layer reads x̂, the quantized activations as they are with all errors made so far, and should answer y = W·x + b. Least squares with a pull
towards W gives weights that undo part of the error; they are rounded one input after the other, each rounding error being spread over the
inputs not yet rounded (Frantar et al., GPTQ, 2022, after Hassibi and Stork's optimal brain surgeon); the bias takes what is left of the mean.
The scales of activations stay, those of weights are stretched to what the fitted weights need. Layers are fitted in the order of execution: fitted at once they overcorrect and diverge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeroute_plugins.refine.editable import Editable
from edgeroute_plugins.refine.execution import Session, watch
from edgeroute_plugins.refine.network import Array, Layer, Network
from edgeroute_plugins.refine.pairing import pair_layers
from edgeroute_plugins.refine.patches import geometry, patches, positions
from edgeroute_plugins.refine.segments import Stepper

LARGEST = 127
PLACES = 96
"""Output positions of a layer that are looked at per sample."""
SHARES = (1.0, 0.93, 0.86, 0.8, 0.72, 0.65)
"""Of what fitted weights reach, the ends that their range is tried with."""


@dataclass(frozen=True)
class Fit:
    """How far fitting goes."""

    weights: bool = True
    """Fit and round weights; else only biases."""
    pull: float = 1.0
    """Weight of staying near the float weights, relative to the mean power of the inputs."""
    widest: int = 2400
    """Inputs per output up to which weights are fitted: time grows with the cube, and there are hardly more rows to fit to."""


@dataclass
class Moments:
    """Sums over rows: inputs x̂ [n, k] (per channel for depthwise: [c, n, k]) and targets y; the products where weights are fitted."""

    count: int
    mean: Array
    target: Array
    power: Array | None
    cross: Array | None


@dataclass(frozen=True)
class Lesson:
    """What the layers of an int8 file should answer; the same for every fit of that file."""

    floating: Network
    pairs: Sequence[tuple[Layer, Layer]]
    """Layers of the float file with those of the int8 file, in the order of execution."""
    shapes: Sequence[tuple[int, ...]]
    """Of the layers' results."""
    rows: Sequence[Sequence[Array]]
    targets: Sequence[Sequence[Array]]
    """Per layer and sample, what the float layer makes of its own inputs at the chosen places."""

    @classmethod
    def of(cls, floating: bytes, integer: bytes, rows: Sequence[Sequence[Array]]) -> Lesson:
        model, editable = Network.parse(floating), Editable.parse(integer)
        pairs = [p for p in pair_layers(model, editable.network) if _is_fitted(p[1], editable)]
        shapes = _result_shapes(editable, pairs, rows[0]) if pairs else []
        return cls(model, pairs, shapes, rows, _targets(floating, model, pairs, shapes, rows) if pairs else [])


def reconstruct(lesson: Lesson, editable: Editable, fit: Fit) -> int:
    """Fit the layers in place, each on the int8 network as it has become before it. Returns how many."""
    if not lesson.pairs:
        return 0
    editable.to_bytes()
    stepper = Stepper(editable.network, lesson.rows)
    for index, (source, layer) in enumerate(lesson.pairs):
        stepper.advance(layer.operator.index)
        sums = None
        for sample in range(len(lesson.rows)):
            x = stepper.real(sample, layer.source)
            places = _places(layer, lesson.shapes[index], index, sample)
            taken = _inputs(editable.network, layer, x, lesson.shapes[index], places)
            sums = _add(sums, taken, lesson.targets[index][sample], fit.weights and taken.shape[-1] <= fit.widest)
        if sums is not None:
            _fit(lesson.floating, editable, source, layer, sums, fit)
            editable.write_bias(layer)
    return len(lesson.pairs)


def _is_fitted(layer: Layer, editable: Editable) -> bool:
    """Layers with a bias that are not grouped; a 1x1 depthwise one is a gate's scale, which is exact already."""
    network, operator = editable.network, layer.operator
    if operator.name == "TRANSPOSE_CONV" or layer.result not in editable.biases:
        return False
    shape, channels = network.shape(layer.weights), network.shape(layer.source)[-1]
    if operator.name == "DEPTHWISE_CONV_2D":
        return shape[1:3] != (1, 1) and shape[3] == channels
    return operator.name == "FULLY_CONNECTED" or shape[3] == channels


def _result_shapes(editable: Editable, pairs: Sequence[tuple[Layer, Layer]], row: Sequence[Array]) -> list[tuple[int, ...]]:
    """Shapes of the layers' results as they are when executed: a file may leave them open."""
    results = watch(editable.to_bytes(), [layer.result for _, layer in pairs], [row])[0]
    return [r.shape for r in results]


def _targets(
    blob: bytes,
    model: Network,
    pairs: Sequence[tuple[Layer, Layer]],
    shapes: Sequence[tuple[int, ...]],
    rows: Sequence[Sequence[Array]],
) -> list[list[Array]]:
    session = Session(blob, list(dict.fromkeys(source.source for source, _ in pairs)))
    found: list[list[Array]] = [[] for _ in pairs]
    for sample, row in enumerate(rows):
        values = dict(zip(session.tensors or [], session.run(row), strict=True))
        for index, (source, _) in enumerate(pairs):
            places = _places(source, shapes[index], index, sample)
            x = _inputs(model, source, values[source.source], shapes[index], places)
            found[index].append(_answers(model, source, x).astype(np.float32))
    return found


def _places(layer: Layer, shape: tuple[int, ...], index: int, sample: int) -> Array:
    """Output places of a layer to look at in a sample, rows of a dense one: the same ones for the float and the int8 file."""
    dense = layer.operator.name == "FULLY_CONNECTED"
    size = (math.prod(shape[:-1]), 1) if dense else (int(shape[1]), int(shape[2]))
    return positions(size, PLACES, np.random.default_rng([index, sample]))


def _inputs(network: Network, layer: Layer, x: Array, shape: tuple[int, ...], places: Array) -> Array:
    """Rows of a layer's input [n, k], or [c, n, k] for depthwise layers."""
    if layer.operator.name == "FULLY_CONNECTED":
        return x.reshape(-1, network.shape(layer.weights)[1])[places[:, 0]]
    taken = patches(x, geometry(network, layer, (int(shape[1]), int(shape[2]))), places)
    if layer.operator.name == "DEPTHWISE_CONV_2D":
        n, height, width, channels = taken.shape
        return taken.reshape(n, height * width, channels).transpose(2, 0, 1)
    return taken.reshape(len(places), -1)


def _matrix(values: Array, layer: Layer) -> Array:
    """Weights as [out, k], or [c, 1, k] for depthwise layers."""
    if layer.operator.name == "DEPTHWISE_CONV_2D":
        return values.reshape(-1, values.shape[3]).T[:, None, :]
    return values.reshape(values.shape[0], -1)


def _tensor(matrix: Array, layer: Layer, shape: tuple[int, ...]) -> Array:
    if layer.operator.name == "DEPTHWISE_CONV_2D":
        return matrix[:, 0, :].T.reshape(shape)
    return matrix.reshape(shape)


def _answers(floating: Network, layer: Layer, x: Array) -> Array:
    """What the float layer makes of its inputs, in front of a fused activation: [n, out] or [c, n, 1]."""
    weights = _matrix(floating.real(layer.weights), layer)
    bias = floating.real(layer.bias) if layer.bias >= 0 else np.zeros(1)
    product = np.matmul(x, np.swapaxes(weights, -1, -2))
    return product + (bias.reshape(-1, 1, 1) if product.ndim == 3 and bias.size > 1 else bias)


def _add(old: Moments | None, x: Array, y: Array, jointly: bool) -> Moments:
    x, y = x.astype(np.float64), y.astype(np.float64)
    turned = np.swapaxes(x, -1, -2)
    power, cross = (turned @ x, np.swapaxes(y, -1, -2) @ x) if jointly else (None, None)
    new = Moments(x.shape[-2], x.sum(axis=-2), y.sum(axis=-2), power, cross)
    if old is None:
        return new
    if old.power is not None and old.cross is not None:
        old.power += new.power
        old.cross += new.cross
    return Moments(old.count + new.count, old.mean + new.mean, old.target + new.target, old.power, old.cross)


def _fit(floating: Network, editable: Editable, source: Layer, layer: Layer, sums: Moments, fit: Fit) -> None:
    n = sums.count
    mean, target = sums.mean / n, sums.target / n
    integers = _matrix(editable.quantized_weights(layer).astype(np.float64), layer)
    scales = _row_scales(editable, layer)
    if sums.power is not None and sums.cross is not None:
        covariance = sums.power / n - mean[..., :, None] * mean[..., None, :]
        cross = sums.cross / n - target[..., :, None] * mean[..., None, :]
        ridge = fit.pull * np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / covariance.shape[-1] + 1e-12
        damped = covariance + ridge * np.eye(covariance.shape[-1])
        exact = _matrix(floating.real(source.weights), source)
        wanted = np.swapaxes(np.linalg.solve(damped, np.swapaxes(cross + ridge * exact, -1, -2)), -1, -2)
        editable.scale_weights(layer, scale_factors(wanted / scales, damped, shared=editable.network.scales(layer.weights).size == 1))
        scales = _row_scales(editable, layer)
        integers = round_together(wanted / scales, damped)
        editable.set_weights(layer, _tensor(integers, layer, editable.network.shape(layer.weights)))
    rest = target - (integers * scales @ mean[..., :, None])[..., 0]
    editable.biases[layer.result] = rest.reshape(-1)


def _row_scales(editable: Editable, layer: Layer) -> Array:
    """The scales of a layer's weights, one per row of their matrix."""
    return _matrix(np.broadcast_to(editable.weight_scales(layer), editable.network.shape(layer.weights)), layer)[..., :1]


def scale_factors(wanted: Array, covariance: Array, *, shared: bool) -> Array:
    """By how much to stretch the scale of each row of `wanted` [.., out, k] (in steps), or of all rows together, so that rounding and clipping lose least.

    Fitted weights may reach beyond the range that the float ones had, and a few large ones may cost all others their resolution.
    """
    reach = np.abs(wanted).max(axis=-1, keepdims=True) / LARGEST
    reach = np.full_like(reach, reach.max()) if shared else np.maximum(reach, 1e-6)
    losses = []
    for share in SHARES:
        steps = reach * share
        lost = wanted - np.clip(np.round(wanted / steps), -LARGEST, LARGEST) * steps
        loss = ((lost @ covariance) * lost).sum(axis=-1, keepdims=True)
        losses.append(np.full_like(loss, loss.sum()) if shared else loss)
    best = np.asarray(SHARES)[np.argmin(np.stack(losses), axis=0)] * reach
    return best.reshape(-1)[:1] if shared else best.reshape(-1)


def round_together(wanted: Array, covariance: Array) -> Array:
    """Integers [.., out, k] near `wanted` whose joint error under a covariance [.., k, k] of the inputs is small."""
    if wanted.ndim == 3:
        return np.stack([round_together(w, c) for w, c in zip(wanted, covariance, strict=True)])
    order = np.argsort(-np.diag(covariance))
    inverse = np.linalg.cholesky(np.linalg.inv(covariance[np.ix_(order, order)])).T
    left = wanted[:, order].copy()
    found = np.empty_like(left)
    for k in range(left.shape[1]):
        found[:, k] = np.clip(np.round(left[:, k]), -LARGEST, LARGEST)
        error = (left[:, k] - found[:, k]) / inverse[k, k]
        left[:, k + 1 :] -= error[:, None] * inverse[k, k + 1 :]
    result = np.empty_like(found)
    result[:, order] = found
    return result
