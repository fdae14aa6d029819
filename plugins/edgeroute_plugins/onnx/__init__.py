"""ONNX files: reading, recognising and running them."""
