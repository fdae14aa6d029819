"""Whether a TensorFlow graph only computes; parses protobufs, runs nothing. Imported in the worker (it asks TensorFlow's registry).

Loading a SavedModel runs initializers and the converter folds constants, so a graph that reads or writes files would do so on this
computer. An operator is taken for computing when it is registered, stateless or about variables, randomness and control flow, and
not of a family that touches files, sockets or other programs. What a SavedModel's saver needs is allowed to the saver alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

STATEFUL = re.compile(
    r"(Var|Variable|Read|Assign|Resource(Gather|Scatter|StridedSlice)|StatefulPartitionedCall|If$|While$|Case$|Assert$|CheckNumerics"
    r"|TensorList|TensorArray|Random|Multinomial|Stateful|Stateless|TruncatedNormal|ParameterizedTruncatedNormal|Rng|Empty$|GuaranteeConst"
    r"|DisableCopyOnRead|HashTableV2|MutableHashTable|LookupTable|Placeholder|Dropout|_Arg|_Retval|Skipgram|SampleDistorted|Apply)"
)
FORBIDDEN = re.compile(
    r"Dataset|Iterator|^Debug|Reader|File|^Xla|^_Xla|TPU|PyFunc|Mlir|Snapshot|Vocab|ImmutableConst|^Rpc|Collective|Infeed|Outfeed|Send|Recv"
    r"|Summary|Print|Remote|Checkpoint|^Save|^Restore|LoadAndRemap|Service|Session"
)
SAVER = {"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename", "RestoreSlice", "SaveSlices"}


def screen_saved_model(saved_model: Any) -> list[str]:
    """Why a SavedModel may do more than compute, over all its graphs."""
    return list(dict.fromkeys(reason for meta in saved_model.meta_graphs for reason in screen_meta(meta)))


def screen_graph(graph: Any) -> list[str]:
    """Why a frozen graph may do more than compute."""
    functions = [node for function in graph.library.function for node in function.node_def]
    return list(dict.fromkeys(f"operator {node.op} ({node.name})" for node in [*graph.node, *functions] if not computes(node.op)))


def screen_meta(meta: Any) -> Iterator[str]:
    """Operators of one graph that do not only compute, unless they are the saver's and nobody else's."""
    nodes = {node.name: node for node in meta.graph_def.node}
    saver = ancestors(nodes, [meta.saver_def.save_tensor_name, meta.saver_def.restore_op_name])
    model = ancestors(nodes, list(model_roots(meta)))
    for name, node in nodes.items():
        if not computes(node.op) and not (node.op in SAVER and name in saver and name not in model):
            yield f"operator {node.op} ({name})"
    yield from screen_functions(meta.graph_def, nodes, saver - model)


def screen_functions(graph: Any, nodes: dict[str, Any], saver: set[str]) -> Iterator[str]:
    """The same for the function library: a function of the saver is called by the saver's nodes only."""
    library = {function.signature.name: function for function in graph.library.function}
    called_elsewhere = set(called(node for name, node in nodes.items() if name not in saver))
    for function in library.values():
        called_elsewhere |= set(called(function.node_def))
    owned = set(called(nodes[name] for name in saver)) - called_elsewhere
    for name, function in library.items():
        for node in function.node_def:
            if not computes(node.op) and not (node.op in SAVER and name in owned):
                yield f"operator {node.op} (in function {name})"


def model_roots(meta: Any) -> Iterator[str]:
    """Tensors that a signature returns, and operations that run when the model is loaded."""
    for signature in meta.signature_def.values():
        yield from (tensor.name for tensor in signature.outputs.values())
    for key in ("saved_model_main_op", "legacy_init_op"):
        yield from meta.collection_def[key].node_list.value if key in meta.collection_def else ()


def ancestors(nodes: dict[str, Any], roots: Iterable[str]) -> set[str]:
    """Names of the roots and of everything they depend on, control edges included."""
    found: set[str] = set()
    waiting = [node_name(root) for root in roots]
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in found:
            found.add(name)
            waiting += [node_name(i) for i in nodes[name].input]
    return found


def node_name(tensor: str) -> str:
    """`^node`, `node:0` and `node` → node."""
    return tensor.removeprefix("^").split(":")[0]


def called(nodes: Iterable[Any]) -> Iterator[str]:
    """Functions that the nodes name in their attributes."""
    for node in nodes:
        for attribute in node.attr.values():
            if attribute.HasField("func"):
                yield attribute.func.name
            yield from (function.name for function in attribute.list.func)


@functools.cache
def computes(operator: str) -> bool:
    """Whether an operator does nothing but compute. An unknown one does not count as such."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(operator)
    if definition is None:
        return operator in {"PartitionedCall"}
    if FORBIDDEN.search(operator):
        return False
    return not definition.is_stateful or bool(STATEFUL.match(operator))
