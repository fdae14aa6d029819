"""Why an edge from Keras or TensorFlow cannot take a file, told before an environment is built; standard library only."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.keras_tf.options import GraphOptions, KerasOptions, LiteOptions

TRUST = "only if you know where the file comes from: repeat the command with --trust-pickle"
DEFAULT = "serving_default"
UNKNOWN = (
    "BesselJ0",
    "BesselJ1",
    "BesselI0e",
    "BesselI1e",
    "Lgamma",
    "Digamma",
    "Igamma",
    "Igammac",
    "Betainc",
    "Svd",
    "Qr",
    "Cholesky",
    "MatrixInverse",
)
"""Operators that neither TFLite's built-ins nor ONNX have."""


def stop(code: str, message: str, remedy: str) -> Finding:
    """A reason why the edge cannot be taken."""
    return Finding(code, Severity.ERROR, message, remedy)


def keras(facts: Facts, options: KerasOptions) -> list[Finding]:
    """A Keras file: a whole model, and the user's word where it holds code."""
    found = []
    if facts.details.get("holds") == "weights":
        remedy = "save the whole model: model.save('model.keras')"
        found.append(stop("keras-weights-only", "the file holds weights without the model's description", remedy))
    if facts.details.get("lambda_layers") and not options.trust:
        found.append(stop("trust-needed", "a Lambda layer holds code that runs when the model is loaded", TRUST))
    return found


def saved_model(facts: Facts, options: LiteOptions) -> list[Finding]:
    """A SavedModel: a signature that is there, operators that somebody has."""
    return [*signature(facts, options.signature), *operators(facts)]


def graph(facts: Facts, options: GraphOptions) -> list[Finding]:
    """A frozen graph: the user's word where it reads files, operators that somebody has."""
    outside = facts.details.get("outside")
    words = (
        [stop("trust-needed", f"the graph does more than compute: {', '.join(map(str, outside))}", TRUST)]
        if isinstance(outside, list) and outside
        else []
    )
    return [*([] if options.trust else words), *operators(facts)]


def signature(facts: Facts, wanted: str) -> list[Finding]:
    """Whether the signature can be told."""
    listed = facts.details.get("signatures")
    names = sorted(listed) if isinstance(listed, dict) else []
    if wanted in names or (not wanted and (DEFAULT in names or len(names) == 1)) or not isinstance(listed, dict):
        return []
    has = f"it has {', '.join(names)}" if names else "it has none"
    remedy = f"choose one: --signature {names[0]}" if names else "export it with a signature: model.export('folder')"
    return [stop("signature-unknown", f"the SavedModel has no signature {wanted or DEFAULT}; {has}", remedy)]


def operators(facts: Facts) -> list[Finding]:
    """Operators that no file for a device can hold."""
    missing = [name for name in UNKNOWN if facts.operators.get(name)]
    remedy = "replace these in the model by standard layers and export it again"
    return [stop("tensorflow-operator-unsupported", f"nothing translates {', '.join(missing)}", remedy)] if missing else []
