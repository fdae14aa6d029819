"""A workshop with the toy plugin alone, in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeroute.cache import Cache
from edgeroute.catalog import build
from edgeroute.environments import Environments
from edgeroute.plugins import Plugins, discover
from edgeroute.workshop import Workshop

TOY = Path(__file__).with_name("toyplugin.py")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    plugins = Plugins([p for p in discover([TOY]).all if p.name == "toyplugin"])
    catalog = build(plugins)
    return Workshop(plugins, catalog, Environments(tmp_path / "home" / "environments", catalog.environments), Cache(tmp_path / "home"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "model.toy"
    file.write_text(json.dumps({"kind": "toy-a", "factor": 2.0}))
    return file
