"""Float TFLite → full-int8 TFLite by ai-edge-quantizer, without TensorFlow."""
