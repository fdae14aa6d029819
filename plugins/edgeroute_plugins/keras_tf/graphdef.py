"""The work behind `graphdef-savedmodel`: a frozen TensorFlow 1 graph as a SavedModel with one static signature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from edgeroute.errors import ConverterFailed, SourceError, TrustError, UsageError
from edgeroute.types import Facts
from edgeroute_plugins.keras_tf.graphs import node_name, screen_graph
from edgeroute_plugins.keras_tf.models import TRUST_REMEDY, first_line, static_shape, trusted
from edgeroute_plugins.keras_tf.options import GraphOptions
from edgeroute_plugins.keras_tf.signatures import DEFAULT, signature_facts

NO_OUTPUT = {"Const", "NoOp", "Assert", "Placeholder", "PlaceholderWithDefault", "CheckNumerics"}


def run(source: Path, out: Path, options: GraphOptions) -> Facts:
    """Write the graph between its inputs and outputs into the folder `out`; ports are named as the nodes are."""
    graph = load_graph(source, options.trust)
    nodes = {node.name: node for node in graph.node}
    inputs = [node_name(n) for n in options.inputs] or [n.name for n in graph.node if n.op == "Placeholder"]
    outputs = list(options.outputs) or loose_ends(graph)
    for kind, names in (("input", inputs), ("output", outputs)):
        if not names or any(node_name(n) not in nodes for n in names):
            raise unknown_ends(kind, names, nodes, source)
    function = prune(graph, inputs, outputs)
    specs = [
        tf.TensorSpec(input_shape(nodes[n], options), t.dtype, name=port_name(n)) for n, t in zip(inputs, function.inputs, strict=False)
    ]
    return save(function, specs, [port_name(n) for n in outputs], out)


def load_graph(path: Path, trust: bool) -> Any:
    """The GraphDef. Raises SourceError on another protobuf, TrustError where the graph does more than compute."""
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise SourceError(
            "the file is not a TensorFlow graph", where=path.name, remedy="give a frozen GraphDef (.pb)", code="graphdef-unreadable"
        ) from error
    if variables := [n.name for n in graph.node if n.op in ("Variable", "VariableV2", "VarHandleOp")]:
        raise SourceError(
            f"the graph is not frozen: {variables[0]} is a variable without a value",
            where=path.name,
            remedy="freeze it where it was trained (convert_variables_to_constants), or give the SavedModel folder",
            code="graphdef-not-frozen",
        )
    reasons = screen_graph(graph)
    if reasons and not trusted(trust):
        raise TrustError(
            f"the graph does more than compute: {', '.join(reasons[:3])}", where=path.name, remedy=TRUST_REMEDY, code="trust-needed"
        )
    return graph


def loose_ends(graph: Any) -> list[str]:
    """Nodes whose result nothing consumes: the outputs, as far as the graph tells."""
    consumed = {node_name(i) for node in graph.node for i in node.input}
    return [n.name for n in graph.node if n.name not in consumed and n.op not in NO_OUTPUT]


def unknown_ends(kind: str, names: Sequence[str], nodes: dict[str, Any], path: Path) -> UsageError:
    """Inputs or outputs that the graph does not have."""
    missing = ", ".join(n for n in names if node_name(n) not in nodes) or "none"
    near = ", ".join(list(nodes)[:3] if kind == "input" else list(nodes)[-3:])
    return UsageError(
        f"the graph's {kind}s cannot be told: {missing} of its {len(nodes)} nodes ({near}, …)",
        where=path.name,
        remedy=f"name them: --set graphdef-savedmodel.{kind}s=NAME",
        code="graphdef-ends",
    )


def prune(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """A function of the inputs that returns the list of outputs."""
    try:
        wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
        return wrapped.prune([tensor_name(n) for n in inputs], [tensor_name(n) for n in outputs])
    except (ValueError, KeyError, TypeError, tf.errors.OpError) as error:
        raise ConverterFailed(
            f"TensorFlow cannot import the graph: {first_line(error)}",
            remedy="freeze it again with a current TensorFlow, or give the SavedModel folder",
            code="graphdef-import",
        ) from error


def tensor_name(name: str) -> str:
    """`node` → `node:0`."""
    return name if ":" in name else f"{name}:0"


def port_name(name: str) -> str:
    """A node's name as a signature can have it."""
    return re.sub(r"[^0-9A-Za-z_]", "_", name.removesuffix(":0"))


def input_shape(node: Any, options: GraphOptions) -> tuple[int, ...]:
    """A placeholder's shape, pinned."""
    proto = node.attr["shape"].shape
    shape = tuple(None if d.size < 0 else int(d.size) for d in proto.dim) if not proto.unknown_rank else ()
    return static_shape(node.name, shape, options.input_shapes)


def save(function: Any, specs: Sequence[Any], names: Sequence[str], out: Path) -> Facts:
    """Write the function as signature serving_default."""
    serve = tf.function(lambda *arrays: dict(zip(names, tf.nest.flatten(function(*arrays)), strict=True)), input_signature=list(specs))
    module = tf.Module()
    module.function = function
    concrete = serve.get_concrete_function()
    tf.saved_model.save(module, str(out), signatures={DEFAULT: concrete})
    return signature_facts(specs, concrete.structured_outputs, DEFAULT)
