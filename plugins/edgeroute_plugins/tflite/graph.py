"""A subgraph as a graph: who makes a tensor, who reads it, and what can be reached from where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from edgeroute_plugins.tflite.reader import Operator, Subgraph, TensorData


class Flow:
    """Producers and consumers of every tensor of a subgraph, by operator index."""

    def __init__(self, subgraph: Subgraph) -> None:
        self.subgraph = subgraph
        self.producer: dict[int, int] = {}
        self.consumers: dict[int, list[int]] = defaultdict(list)
        for operator in subgraph.operators:
            for tensor in operator.outputs:
                self.producer.setdefault(tensor, operator.index)
            for tensor in set(operator.inputs):
                self.consumers[tensor].append(operator.index)

    def after(self, operator: int) -> Iterator[int]:
        """The operators that read what this one writes."""
        for tensor in self.subgraph.operators[operator].outputs:
            yield from self.consumers.get(tensor, ())

    def before(self, operator: int) -> Iterator[int]:
        """The operators that write what this one reads."""
        for tensor in self.subgraph.operators[operator].inputs:
            if tensor in self.producer:
                yield self.producer[tensor]

    def downstream(self, operators: Iterable[int]) -> set[int]:
        """Everything that depends on these operators, without themselves unless they depend on each other."""
        return _closure(operators, self.after)

    def upstream(self, operators: Iterable[int]) -> set[int]:
        """Everything that these operators depend on."""
        return _closure(operators, self.before)


def _closure(start: Iterable[int], step: Callable[[int], Iterable[int]]) -> set[int]:
    reached: set[int] = set()
    todo = list(start)
    while todo:
        for neighbour in step(todo.pop()):
            if neighbour not in reached:
                reached.add(neighbour)
                todo.append(neighbour)
    return reached


def operands(subgraph: Subgraph, operator: Operator) -> tuple[TensorData, ...]:
    """The tensors that an operator reads, without absent optional ones."""
    return tuple(subgraph.tensors[i] for i in operator.inputs if i >= 0)


def results(subgraph: Subgraph, operator: Operator) -> tuple[TensorData, ...]:
    return tuple(subgraph.tensors[i] for i in operator.outputs if i >= 0)


def operand(subgraph: Subgraph, operator: Operator, position: int) -> TensorData | None:
    """The operand at a position; None where it is absent."""
    index = operator.inputs[position] if position < len(operator.inputs) else -1
    return subgraph.tensors[index] if index >= 0 else None


def activations(subgraph: Subgraph, operator: Operator) -> tuple[TensorData, ...]:
    """Operands and results that are not constants."""
    return tuple(t for t in (*operands(subgraph, operator), *results(subgraph, operator)) if not t.is_constant)


def elements(shape: Sequence[int]) -> int:
    """How many values a tensor holds; an open dimension counts once."""
    count = 1
    for size in shape:
        count *= max(size, 1) if size else 0
    return count
