"""ONNX to TFLite by MPolaris' onnx2tflite, which no registry has."""
