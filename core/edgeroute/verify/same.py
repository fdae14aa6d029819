"""Whether two files compute the very same thing: for a change that must not touch the model, such as writing its origin into it."""

from __future__ import annotations

import numpy as np

from edgeroute.types import Json
from edgeroute.verify.made_up import random_value
from edgeroute.verify.sessions import open_session, run


def differing(runner: str, first: str, second: str) -> Json:
    """Run both on the same random data: names of the outputs that are not equal to the bit, or `border` where inputs or outputs differ."""
    one, two = open_session(runner, first), open_session(runner, second)
    if list(one.inputs) != list(two.inputs) or list(one.outputs) != list(two.outputs):
        return ["border"]
    generator = np.random.default_rng(0)
    values = [random_value(t, generator) for t in one.inputs]
    pairs = zip(run(one, values, first), run(two, values, second), strict=True)
    return [t.name for t, (a, b) in zip(one.outputs, pairs, strict=True) if np.asarray(a).tobytes() != np.asarray(b).tobytes()]
