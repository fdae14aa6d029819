"""A module whose chosen inputs and outputs are channel-last, and whose outputs are a flat tuple."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class ChannelLast(torch.nn.Module):  # type: ignore[misc]
    """Wraps a channel-first module; litert-torch's own wrapper takes neither nested outputs nor modules that refuse `eval()`."""

    def __init__(self, inner: Any, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        super().__init__()
        self.inner = inner
        self.inputs = frozenset(inputs)
        self.outputs = frozenset(outputs)
        self.training = False

    def forward(self, *tensors: Any) -> tuple[Any, ...]:
        """NHWC where chosen, else as the inner module has it."""
        answer = self.inner(*(to_first(t) if i in self.inputs else t for i, t in enumerate(tensors)))
        leaves = [t for t in torch.utils._pytree.tree_leaves(answer) if isinstance(t, torch.Tensor)]
        return tuple(to_last(t) if i in self.outputs else t for i, t in enumerate(leaves))


def to_first(tensor: Any) -> Any:
    """NHWC → NCHW."""
    return tensor.permute(0, 3, 1, 2)


def to_last(tensor: Any) -> Any:
    """NCHW → NHWC."""
    return tensor.permute(0, 2, 3, 1)
