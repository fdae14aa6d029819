"""By hand, step 3: float TFLite to int8 with TensorFlow's quantizer. Run by an interpreter that has TensorFlow; samples are NHWC or as the file takes them."""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.python.optimize import calibrator
from tensorflow.lite.python.util import modify_model_io_type

source, samples, out, per_tensor = sys.argv[1:5]
data = np.load(samples)
model = Path(source).read_bytes()
calibrated = calibrator.Calibrator(calibrator.add_intermediate_tensors(model)).calibrate(lambda: ([row[None]] for row in data))
quantized = mlir_quantize(calibrated, disable_per_channel=per_tensor == "1", disable_per_channel_for_dense_layers=True)
Path(out).write_bytes(modify_model_io_type(quantized, tf.uint8, tf.uint8))
