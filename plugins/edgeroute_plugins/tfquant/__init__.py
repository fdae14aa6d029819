"""Float TFLite → full-int8 TFLite by TensorFlow's stand-alone quantizer."""
