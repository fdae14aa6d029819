"""The TensorFlow environment that several plugins run in."""
