"""The work behind `keras-savedmodel`: a Keras model as a SavedModel with static shapes and one signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeroute.types import Facts, Tensor
from edgeroute_plugins.keras_tf.models import dtype_name, input_specs, load_model, model_facts, output_names, static_call, unroll
from edgeroute_plugins.keras_tf.options import KerasOptions

SIGNATURE = "serving_default"


def run(source: Path, out: Path, options: KerasOptions) -> Facts:
    """Write the model into the folder `out`: signature serving_default, inputs and outputs named as in the model, batch 1."""
    model, library = load_model(source, options.trust)
    specs = input_specs(model, options.input_shapes, source)
    unrolled = unroll(model, options.unroll)
    function = static_call(model, specs)
    archive = export_archive(library)
    archive.track(model)
    archive.add_endpoint(SIGNATURE, function)
    archive.write_out(str(out), **({"verbose": False} if library == "keras" else {}))
    outputs = function.get_concrete_function().structured_outputs
    named = tuple(Tensor(n, tuple(outputs[n].shape), dtype_name(outputs[n].dtype)) for n in output_names(model))
    inputs = tuple(Tensor(s.name, tuple(s.shape), dtype_name(s.dtype)) for s in specs)
    return Facts(inputs, named, model_facts(model).operators, notes={"loaded_by": library, "signature": SIGNATURE, "unrolled": unrolled})


def export_archive(library: str) -> Any:
    """The library's own ExportArchive: it alone tracks the variables so that TFLite's converter can freeze them."""
    if library == "keras":
        from keras.export import ExportArchive

        return ExportArchive()
    from tf_keras.src.export.export_lib import ExportArchive as Old

    return Old()
