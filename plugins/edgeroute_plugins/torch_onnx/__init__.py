"""PyTorch: state dicts, modules and TorchScript to exported programs and ONNX."""
