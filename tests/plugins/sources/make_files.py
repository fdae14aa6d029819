"""Writes the small files of `files/`: type `python make_files.py torch` and `python make_files.py keras`, each where that framework is.

What a framework notes down about the computer that wrote a file (stack traces, paths) is taken out again.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("files")


def with_torch(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c = torch.nn.Conv2d(3, 4, 3)
            self.f = torch.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.f(self.c(x).relu().mean((2, 3)))

    globals()["Net"] = Net
    Net.__qualname__ = "Net"
    net, x = Net().eval(), torch.zeros(1, 3, 8, 8)
    torch.save(net.state_dict(), folder / "state.pt")
    torch.save(net.state_dict(), folder / "state-legacy.pt", _use_new_zipfile_serialization=False)
    optimizer = torch.optim.Adam(net.parameters())
    torch.save({"state_dict": net.state_dict(), "epoch": 3, "optimizer": optimizer.state_dict()}, folder / "checkpoint.pt")
    torch.save({"model": net, "epoch": 3}, folder / "checkpoint-module.pt")
    torch.save(net, folder / "module.pt")
    save_file(net.state_dict(), folder / "weights.safetensors")
    torch.jit.save(torch.jit.trace(net, x), str(folder / "script.pt"))
    batch = torch.export.Dim("batch")
    torch.export.save(torch.export.export(net, (torch.zeros(2, 3, 8, 8),), dynamic_shapes=({0: batch},)), folder / "exported.pt2")
    scrub(folder / "script.pt", lambda name, content: None if name.endswith(".debug_pkl") else content)
    scrub(folder / "exported.pt2", lambda name, content: without_traces(content) if name.endswith("models/model.json") else content)


def scrub(path: Path, change: Any) -> None:
    """Write an archive again with its members changed, or left out where the change is None."""
    with zipfile.ZipFile(path) as archive:
        members = [(info, change(info.filename, archive.read(info))) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members:
            if content is not None:
                archive.writestr(info, content)


def without_traces(content: bytes) -> bytes:
    program = json.loads(content)
    for node in program["graph_module"]["graph"]["nodes"]:
        node["metadata"] = {}
    return json.dumps(program).encode()


def with_keras(folder: Path) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    plain = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    plain.save(folder / "sequential.keras")
    plain.save_weights(folder / "only.weights.h5")
    image, numbers = keras.Input((16, 16, 3), name="zebra"), keras.Input((4,), name="ant")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(image)), numbers])
    model = keras.Model([image, numbers], [keras.layers.Dense(2, name="o1")(joined), keras.layers.Dense(3, name="o2")(joined)])
    model.compile("adam", "mse")
    model.save(folder / "functional.keras")
    model.save(folder / "functional.h5")
    function = tf.function(lambda x: plain(x)).get_concrete_function(tf.TensorSpec([1, 28, 28, 1], tf.float32))
    graph = convert_variables_to_constants_v2(function).graph.as_graph_def()
    (folder / "frozen.pb").write_bytes(graph.SerializeToString())

    class Twice(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 8], tf.float32, name="x")])
        def first(self, x: Any) -> Any:
            return {"y": x * 2}

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="img")])
        def second(self, img: Any) -> Any:
            return {"z": tf.cast(img, tf.float32), "w": img}

    module = Twice()
    tf.saved_model.save(module, str(folder / "saved"), signatures={"first": module.first, "second": module.second})


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        {"torch": with_torch, "keras": with_keras}[sys.argv[1]](Path(folder))
        for made in Path(folder).rglob("*"):
            if made.is_file():
                target = FOLDER / made.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(made.read_bytes())
