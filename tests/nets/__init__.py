"""Small networks, trained for a moment on made-up data with a fixed seed: what the tests of the converters convert."""

NAMES = ("convolutional", "depthwise", "attentive", "decoder", "transformer", "recurrent")
SHAPES = {name: [1, 3, 32, 32] for name in NAMES} | {"decoder": [1, 3, 16, 16], "recurrent": [1, 24, 8]}
"""Of each PyTorch network's input, batch included."""
