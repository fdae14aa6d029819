"""ONNX → float TFLite by onnx2tf: 2.x writes the file itself, 1.x goes through a TensorFlow SavedModel."""
