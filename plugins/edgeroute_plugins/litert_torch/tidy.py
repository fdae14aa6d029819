"""Exact rewrites of a program before it is lowered: forms that litert-torch turns without a TRANSPOSE."""

from __future__ import annotations

from typing import Any

import torch


def keep_means_in_place(module: Any) -> int:
    """`mean((2, 3))` of a picture → the same with kept dimensions, then flattened; returns how many. Measured: saves one TRANSPOSE each.

    `module` is the GraphModule of an exported program; it is changed.
    """
    graph = module.graph
    found = [node for node in graph.nodes if is_spatial_mean(node)]
    for node in found:
        with graph.inserting_after(node):
            kept = graph.call_function(torch.ops.aten.mean.dim, (node.args[0], [2, 3], True), dict(node.kwargs))
        with graph.inserting_after(kept):
            flat = graph.call_function(torch.ops.aten.flatten.using_ints, (kept, 1))
        node.replace_all_uses_with(flat)
        graph.erase_node(node)
    module.recompile()
    return len(found)


def is_spatial_mean(node: Any) -> bool:
    """Whether a node averages a 4-D tensor over its last two dimensions and drops them."""
    if node.op != "call_function" or node.target != torch.ops.aten.mean.dim or len(node.args) < 2:
        return False
    value = getattr(node.args[0], "meta", {}).get("val")
    drops = not (len(node.args) > 2 and node.args[2]) and not node.kwargs.get("keepdim")
    dimensions = node.args[1] if isinstance(node.args[1], (list, tuple)) else [node.args[1]]
    return drops and value is not None and value.dim() == 4 and sorted(d % 4 for d in dimensions) == [2, 3]
