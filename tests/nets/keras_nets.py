"""Small Keras networks, and a moment of training; imported in the TensorFlow environment only."""

from __future__ import annotations

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
