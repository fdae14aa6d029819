"""By hand, step 1: pin the shapes with onnxslim. Run by an interpreter that has onnxslim."""

import sys

import onnxslim

source, out, shape = sys.argv[1:4]
onnxslim.slim(source, out, input_shapes=[shape] if shape else None)
