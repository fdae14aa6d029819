"""PyTorch to TFLite directly, by Google's litert-torch."""
