"""Multiply-accumulates of TFLite operators: the convolutions, the matrix products and the LSTM; everything else counts 0."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from edgeroute_plugins.tflite.graph import elements, operand, results
from edgeroute_plugins.tflite.reader import Operator, Subgraph, TensorData


def operator_macs(subgraph: Subgraph, operator: Operator) -> int:
    """Multiply-accumulates of one run of an operator; 0 where its operands do not have the expected ranks."""
    count = _COUNTS.get(operator.name)
    return max(count(subgraph, operator), 0) if count else 0


def subgraph_macs(subgraph: Subgraph) -> int:
    return sum(operator_macs(subgraph, operator) for operator in subgraph.operators)


def _weights(subgraph: Subgraph, operator: Operator, rank: int, position: int = 1) -> TensorData | None:
    tensor = operand(subgraph, operator, position)
    return tensor if tensor is not None and len(tensor.shape) == rank else None


def _written(subgraph: Subgraph, operator: Operator) -> int:
    written = results(subgraph, operator)
    return elements(written[0].shape) if written else 0


def _convolution(subgraph: Subgraph, operator: Operator) -> int:
    """Weights [out, height, width, in of one group]."""
    weights = _weights(subgraph, operator, 4)
    return _written(subgraph, operator) * prod(weights.shape[1:]) if weights else 0


def _depthwise(subgraph: Subgraph, operator: Operator) -> int:
    """Weights [1, height, width, out]."""
    weights = _weights(subgraph, operator, 4)
    return _written(subgraph, operator) * prod(weights.shape[1:3]) if weights else 0


def _convolution_3d(subgraph: Subgraph, operator: Operator) -> int:
    """Weights [depth, height, width, in, out]."""
    weights = _weights(subgraph, operator, 5)
    return _written(subgraph, operator) * prod(weights.shape[:4]) if weights else 0


def _dense(subgraph: Subgraph, operator: Operator) -> int:
    """Weights [out, in]."""
    weights = _weights(subgraph, operator, 2)
    return _written(subgraph, operator) * weights.shape[1] if weights else 0


def _transposed(subgraph: Subgraph, operator: Operator) -> int:
    """Operands: output shape, weights [out, height, width, in], data [batch, height, width, in]."""
    weights, data = _weights(subgraph, operator, 4), _weights(subgraph, operator, 4, 2)
    return elements(data.shape) * prod(weights.shape[:3]) if weights and data else 0


def _matrices(subgraph: Subgraph, operator: Operator) -> int:
    left = operand(subgraph, operator, 0)
    if left is None or len(left.shape) < 2:
        return 0
    return _written(subgraph, operator) * left.shape[-2 if operator.options.get("adj_x") else -1]


def _lstm(subgraph: Subgraph, operator: Operator) -> int:
    """Operands 1 to 8 are weight matrices, 16 the projection; every step of the sequence uses each once."""
    data = operand(subgraph, operator, 0)
    matrices = (operand(subgraph, operator, position) for position in (*range(1, 9), 16))
    return elements(data.shape[:-1]) * sum(elements(m.shape) for m in matrices if m is not None) if data else 0


_COUNTS: dict[str, Callable[[Subgraph, Operator], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "CONV_3D": _convolution_3d,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed,
    "BATCH_MATMUL": _matrices,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
