"""What pytest loads wherever edgeroute is installed: the marker, the workshop, and no test that has nothing to test."""

from __future__ import annotations

import pytest

EMPTY = "got empty parameter set"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: runs real converters in environments that edgeroute builds")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A plugin without targets has no tests of targets; a skipped one would look like something missing."""
    from edgeroute.testing.contract import PluginContract

    ours = [i for i in items if isinstance(getattr(i, "cls", None), type) and issubclass(i.cls, PluginContract)]  # type: ignore[attr-defined]
    empty = [i for i in ours if any(str(m.kwargs.get("reason", "")).startswith(EMPTY) for m in i.iter_markers("skip"))]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [i for i in items if i not in empty]


@pytest.fixture(scope="class")
def contract_workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A session with the plugin of a `PluginContract` in it; what it builds is kept for the user, what it converts is not."""
    from edgeroute.testing.declared import declared
    from edgeroute.testing.session import open_session

    return open_session(declared(request.cls.plugin), tmp_path_factory.mktemp("contract"))
