"""Small Keras networks, and a moment of training; imported in the TensorFlow environment only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from .data import CLASSES, FEATURES, SIZE, STEPS, pictures, series


def block(x: Any, filters: int, stride: int = 1) -> Any:
    """Depthwise and pointwise convolution, each with batch normalization and ReLU6."""
    x = layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.8)(x))
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.8)(x))


def convolutional() -> Any:
    """A small MobileNet with one residual; input `image` [n, 32, 32, 3]."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Conv2D(16, 3, 2, "same", use_bias=False)(image)
    x = block(layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.8)(x)), 24, 2)
    x = layers.Add()([x, block(x, 24)])
    x = layers.GlobalAveragePooling2D()(block(x, 32, 2))
    return keras.Model(image, layers.Dense(CLASSES, name="scores")(x), name="convolutional")


def recurrent() -> Any:
    """An LSTM over a series; input `series` [n, 24, 8]."""
    inputs = keras.Input((STEPS, FEATURES), name="series")
    return keras.Model(inputs, layers.Dense(CLASSES, name="scores")(layers.LSTM(24)(inputs)), name="recurrent")


def two_headed() -> Any:
    """Two inputs and two outputs whose names do not sort as they stand: what a converter may mix up. Not trained."""
    image, extra = keras.Input((SIZE, SIZE, 3), name="picture"), keras.Input((4,), name="extra")
    x = layers.GlobalAveragePooling2D()(block(image, 8, 2))
    joined = layers.Concatenate()([x, extra])
    return keras.Model([image, extra], [layers.Dense(5, name="second")(joined), layers.Dense(3, name="first")(x)], name="two_headed")


NETS = {"convolutional": convolutional, "recurrent": recurrent, "two_headed": two_headed}


def train(name: str, count: int = 768, epochs: int = 4) -> tuple[Any, float]:
    """The trained network and its accuracy on unseen data (1.0 for the one that is not trained)."""
    keras.utils.set_random_seed(1)
    net = NETS[name]()
    if name == "two_headed":
        return net, 1.0
    inputs, targets = data(name, count, 0)
    net.compile(keras.optimizers.Adam(4e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(inputs, targets, batch_size=32, epochs=epochs * (4 if name == "recurrent" else 1), verbose=0)
    inputs, targets = data(name, 256, 1)
    return net, float((np.argmax(net.predict(inputs, verbose=0), 1) == targets).mean())


def data(name: str, count: int, seed: int) -> tuple[Any, Any]:
    """Inputs (pictures as NHWC) and labels."""
    if name == "recurrent":
        return series(count, seed)
    images, labels = pictures(count, seed)
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)), labels


def save_all(folder: str) -> dict[str, float]:
    """Train every network; write `NAME.keras` and, of one, every other kind of file. Returns the scores."""
    scores, place = {}, Path(folder)
    for name in NETS:
        net, scores[name] = train(name)
        net.save(place / f"{name}.keras")
        if name == "convolutional":
            save_kinds(net, place)
    save_traps(place)
    return scores


def save_kinds(net: Any, place: Path) -> None:
    """One network as HDF5, as Keras exports it (open batch), with two signatures of which none is the default, and frozen."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    net.save(place / "model.h5")
    net.export(str(place / "exported"), verbose=False)
    picture = [tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="image")]
    plain = tf.function(lambda image: {"scores": net(image, training=False)}, input_signature=picture)
    large = tf.function(
        lambda image: {"sizes": net(tf.image.resize(image, (SIZE, SIZE)), training=False)},
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32, name="image")],
    )
    module = tf.Module()
    module.kept = [v.value for v in net.variables]
    signatures = {"small": plain.get_concrete_function(), "any_size": large.get_concrete_function()}
    tf.saved_model.save(module, str(place / "two_signatures"), signatures=signatures)
    frozen = convert_variables_to_constants_v2(signatures["small"])
    (place / "frozen.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())


def save_traps(place: Path) -> None:
    """A Lambda layer in both file formats, a graph that reads a file, and a model that only Keras 2 can load."""
    import tensorflow as tf
    import tf_keras

    trap = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2)])
    trap.save(place / "lambda.keras")
    trap.save(place / "lambda.h5")
    spec = [tf.TensorSpec((1, 4), tf.float32, name="x")]
    reading = tf.function(lambda x: {"y": x + tf.cast(tf.strings.length(tf.io.read_file("secret.txt")), tf.float32)}, input_signature=spec)
    tf.saved_model.save(tf.Module(), str(place / "reading"), signatures={"serving_default": reading.get_concrete_function()})
    old = tf_keras.Sequential(
        [tf_keras.layers.DepthwiseConv2D(3, input_shape=(8, 8, 3)), tf_keras.layers.Flatten(), tf_keras.layers.Dense(3)]
    )
    old.save(place / "keras2.h5")
