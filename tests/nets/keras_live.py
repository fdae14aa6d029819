"""Live Keras models, captured as a user's call would; imported in the TensorFlow environment only."""

from __future__ import annotations

from pathlib import Path

import tf_keras

from edgeroute_plugins.keras_tf.models import load_model
from edgeroute_plugins.keras_tf.plugin import edgeroute_capture

from .keras_nets import convolutional


def capture_all(folder: str) -> dict[str, str]:
    """Who loads each captured model, and the name of its file."""
    old = tf_keras.Sequential([tf_keras.layers.DepthwiseConv2D(3, input_shape=(8, 8, 3))])
    found = {}
    for obj in (convolutional(), old):
        place = Path(folder) / type(obj).__module__
        place.mkdir()
        path = edgeroute_capture(obj, place, None)
        assert path is not None
        found[load_model(path)[1]] = path.name
    return found


def save_unloved(folder: str) -> None:
    """A SavedModel with an operator that neither ONNX nor TFLite has."""
    import tensorflow as tf

    spec = [tf.TensorSpec((1, 8), tf.float32, name="x")]
    function = tf.function(lambda x: {"y": tf.math.special.bessel_j0(x)}, input_signature=spec)
    tf.saved_model.save(tf.Module(), folder, signatures={"serving_default": function.get_concrete_function()})
