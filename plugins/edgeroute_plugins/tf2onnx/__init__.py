"""Keras, SavedModel and TFLite to ONNX, by tf2onnx."""
