"""TensorFlow Lite files: reading, recognising and running them."""
