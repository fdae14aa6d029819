"""By hand, step 2: ONNX to float TFLite with onnx2tf. Run by an interpreter that has onnx2tf 2.x."""

import sys

import onnx2tf

source, folder = sys.argv[1:3]
onnx2tf.convert(input_onnx_file_path=source, output_folder_path=folder, not_use_onnxsim=True, output_signaturedefs=True, verbosity="error")
