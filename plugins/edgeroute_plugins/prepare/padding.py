"""Explicit padding fused into the operators that can pad by themselves."""

from __future__ import annotations

import numpy as np

from edgeroute_plugins.prepare.graph import Graph, Node, attribute, drop_attribute, set_attribute


def fold_pads(graph: Graph) -> int:
    """Fuse an explicit zero Pad over height and width into the convolutions or pools that read it; returns how many went."""
    done = 0
    for node in list(graph.nodes):
        readers = graph.consumers.get(node.output[0], []) if node.op_type == "Pad" else []
        margins = _spatial_margins(graph, node) if readers and not graph.leaves(node.output[0]) else None
        if margins is None or not all(_takes_pad(graph, node, reader) for reader in readers):
            continue
        for reader in readers:
            own = attribute(reader, "pads", [0] * len(margins))
            drop_attribute(reader, "auto_pad")
            set_attribute(reader, "pads", [int(a) + b for a, b in zip(own, margins, strict=True)])
        graph.bypass(node, node.input[0])
        done += 1
    return done


def _spatial_margins(graph: Graph, node: Node) -> list[int] | None:
    """Padding of the spatial axes as ONNX's `pads`, or None when the Pad does anything else."""
    pads = graph.constant(node.input[1]) if len(node.input) > 1 else None
    value = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(())
    if attribute(node, "mode", b"constant") != b"constant" or pads is None or value is None or np.any(value != 0):
        return None
    if len(node.input) > 3 and node.input[3]:
        return None
    rank = pads.size // 2
    begin, end = pads[:rank], pads[rank:]
    if rank < 3 or any(begin[:2]) or any(end[:2]) or np.any(pads < 0):
        return None
    return [int(v) for v in (*begin[2:], *end[2:])]


def _takes_pad(graph: Graph, pad: Node, reader: Node) -> bool:
    if reader.input[0] != pad.output[0] or attribute(reader, "auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        return False
    if reader.op_type == "Conv":
        return True
    if reader.op_type == "AveragePool":
        own = any(attribute(reader, "pads", []))
        return bool(attribute(reader, "count_include_pad", 0)) and not attribute(reader, "ceil_mode", 0) and not own
    before = graph.producer(pad.input[0])
    never_negative = before is not None and before.op_type in ("Relu", "Sigmoid", "HardSigmoid")
    return reader.op_type == "MaxPool" and never_negative and not attribute(reader, "ceil_mode", 0) and len(reader.output) == 1
