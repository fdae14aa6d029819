"""Keras and TensorFlow: models and frozen graphs to SavedModels, SavedModels to TFLite."""
