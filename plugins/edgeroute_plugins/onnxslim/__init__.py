"""ONNX → ONNX with every shape pinned, simplified by onnxslim."""
