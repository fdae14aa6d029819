"""The work behind `onnx2tf`: version 2.x writes the float `.tflite` directly, without TensorFlow."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from edgeroute.errors import ConverterFailed
from edgeroute.types import Facts
from edgeroute_plugins.onnx2tf.borders import Scratch
from edgeroute_plugins.onnx2tf.finish import finish
from edgeroute_plugins.onnx2tf.options import Options
from edgeroute_plugins.onnx2tf.scratch import prepare


def run(source: Path, out: Path, options: Options) -> Facts:
    """Write `source`, whose shapes are static, as a float `.tflite`; images become channels-last, names and order stay.

    Raises ConverterFailed where the tool ends without a file.
    """
    os.environ["TQDM_DISABLE"] = "1"
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="onnx2tf-") as folder:
        scratch = prepare(source, Path(folder), options.keep_inputs)
        tflite = convert(scratch, Path(folder) / "out", options, tflite_backend="flatbuffer_direct")
        return Facts(notes=finish(tflite, out, scratch))


def convert(scratch: Scratch, folder: Path, options: Options, **more: Any) -> Path:
    """Call the tool; returns its float32 file. Its many `sys.exit` calls become ConverterFailed."""
    import onnx2tf

    try:
        onnx2tf.convert(
            input_onnx_file_path=str(scratch.path),
            output_folder_path=str(folder),
            output_signaturedefs=True,
            not_use_onnxsim=True,
            keep_shape_absolutely_input_names=list(scratch.kept) or None,
            replace_to_pseudo_operators=[name.lower() for name in options.pseudo_operators] or None,
            enable_batchmatmul_unfold=options.unfold_batchmatmul,
            enable_rnn_unroll=options.unroll_rnn,
            disable_group_convolution=options.disable_group_convolution,
            non_verbose=True,
            verbosity="error",
            **more,
        )
    except SystemExit as stop:
        raise no_file(f"it ended with exit code {stop.code}") from stop
    written = sorted(folder.glob("*_float32.tflite"))
    if not written:
        raise no_file("it returned without an error")
    return written[0]


def no_file(how: str) -> ConverterFailed:
    """The tool ended without a float file."""
    return ConverterFailed(
        f"onnx2tf wrote no float TFLite file; {how}",
        where="onnx2tf",
        remedy="its own words are in the step's log; take another road with --avoid onnx2tf, or cut the model before the operator it names",
        code="onnx2tf-no-file",
    )
