"""Dockerfile, requirements and README of a context. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

from edgeroute.types import Preprocess, Tensor
from edgeroute_plugins.acap.parts import PLATFORMS, SCRIPT, Kind


def dockerfile(kind: Kind) -> str:
    """Debian's Python where numpy and pillow come from Debian; the slim Python image otherwise. It does not run as root."""
    platform = PLATFORMS[kind.arch]
    if kind.debian:
        start = [
            f"FROM --platform={platform} debian:bookworm-slim",
            f"RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip {' '.join(kind.debian)} && rm -rf /var/lib/apt/lists/*",
            "COPY requirements.txt /tmp/requirements.txt",
            "RUN python3 -m pip install --no-cache-dir --no-deps --break-system-packages -r /tmp/requirements.txt",
        ]
    else:
        start = [
            f"FROM --platform={platform} python:3.11-slim-bookworm",
            "COPY requirements.txt /tmp/requirements.txt",
            "RUN python3 -m pip install --no-cache-dir --only-binary=:all: -r /tmp/requirements.txt",
        ]
    end = [
        "RUN useradd --create-home app",
        "USER app",
        "WORKDIR /app",
        "COPY --chown=app . /app",
        f'ENTRYPOINT ["python3", "/app/{SCRIPT}"]',
        'CMD ["--self-test"]',
    ]
    return "\n".join([f"# {kind.title}; written by edgeroute.", *start, *end]) + "\n"


def requirements(kind: Kind) -> str:
    return "".join(f"{r}\n" for r in kind.requirements)


def readme(kind: Kind, inputs: Sequence[Tensor], outputs: Sequence[Tensor], preprocess: Preprocess) -> str:
    """What is in the folder, how it is built, checked and brought to a camera."""
    platform = PLATFORMS[kind.arch]
    trained = (
        f"x = (pixel * {preprocess.scale:.9g} - {list(preprocess.mean)}) / {list(preprocess.std)}, {preprocess.color}, {preprocess.resize}"
        if preprocess.known
        else "not known; give `--preprocess` when you convert, or feed arrays (`--npz`)"
    )
    return f"""# A model for the camera's CPU, in a container

{kind.title}. The camera's accelerator is not used.

| | |
| --- | --- |
| inputs | {_tensors(inputs)} |
| outputs | {_tensors(outputs)} |
| a picture becomes the input by | {trained} |

## Build and check

    docker build --platform {platform} -t model .
    docker run --rm --platform {platform} model              # the packed sample against the recorded answers
    docker run --rm --platform {platform} -v "$PWD:/data" model --image /data/picture.jpg

Without Docker, on any computer with the packages of `requirements.txt`:

    python {SCRIPT} --self-test

## On the camera

The camera must support containers: an ACAP for Docker that runs on it, with TLS or on a trusted network.

    docker save model | gzip > model.tar.gz
    docker --host tcp://CAMERA:2376 --tlsverify load -i model.tar.gz
    docker --host tcp://CAMERA:2376 --tlsverify run --rm model

An application of your own imports `{SCRIPT}`: `from infer import Model; Model().run([array])`.
"""


def _tensors(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"`{t.name}` {t.dtype} {list(t.shape)} {t.layout}".strip() for t in tensors)
