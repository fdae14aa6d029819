"""Where edgeroute keeps what it builds: environments, cache, history."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def root(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of everything kept between runs: `$EDGEROUTE_HOME`, `$XDG_CACHE_HOME/edgeroute` or `~/.cache/edgeroute`."""
    own = environ.get("EDGEROUTE_HOME", "")
    if own:
        return Path(own).expanduser().absolute()
    cache = environ.get("XDG_CACHE_HOME", "")
    return (Path(cache).expanduser() if cache else Path.home() / ".cache").absolute() / "edgeroute"


def environments(environ: Mapping[str, str] = os.environ) -> Path:
    """Where environments are built: $EDGEROUTE_ENVIRONMENTS (to share them between caches), else in edgeroute's own folder."""
    named = environ.get("EDGEROUTE_ENVIRONMENTS")
    return Path(named).expanduser().absolute() if named else root(environ) / "environments"
