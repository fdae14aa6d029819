"""TensorFlow's quantizer and interpreter without the rest of TensorFlow.

`import tensorflow` runs some 2,700 modules: 5 s of processor time and 350 MB in every step, against 1 s for what the two need
(measured with 2.21). Both are native libraries with a thin layer of Python, so the package stands in here as a mere folder of
modules, of which only those are run that somebody asks for. For a worker that does nothing else; not next to `import tensorflow`.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

PACKAGE = "tensorflow"
FLOAT, INT8 = 1, 9
"""Types as the quantizer's interface counts them (`types_pb2.IODataType`)."""


def settle() -> None:
    """Let `tensorflow.…` be imported module by module, without what TensorFlow imports on its own account; must come before any of it."""
    if PACKAGE in sys.modules:
        return
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("TensorFlow is not installed", name=PACKAGE)
    package = ModuleType(PACKAGE)
    package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations)
    sys.modules[PACKAGE] = package


def interpreter(blob: bytes) -> Any:
    """An allocated interpreter that computes each operator as it is written and keeps every tensor in memory of its own."""
    settle()
    from tensorflow.lite.python.interpreter import Interpreter, OpResolverType

    made = Interpreter(
        model_content=blob,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    made.allocate_tensors()
    return made


def quantize(calibrated: bytes, *, per_tensor: bool, per_channel_dense: bool) -> bytes:
    """The integer model, still with float inputs and outputs; raises RuntimeError or ValueError where the tool refuses."""
    settle()
    # Needs the library that this import loads.
    from tensorflow.python import pywrap_tensorflow  # noqa: F401, I001
    from tensorflow.compiler.mlir.lite.python import _pywrap_converter_api as api

    return bytes(
        api.ExperimentalMlirQuantizeModel(
            calibrated,
            disable_per_channel=per_tensor,
            fully_quantize=False,
            inference_type=INT8,
            input_data_type=FLOAT,
            output_data_type=FLOAT,
            disable_per_channel_for_dense_layers=per_tensor or not per_channel_dense,
            debug_options_proto_txt_raw="",
        )
    )
