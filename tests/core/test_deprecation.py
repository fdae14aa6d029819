"""What goes, warns first, at the line of whoever still uses it."""

from __future__ import annotations

import pytest

from edgeroute.deprecation import EdgerouteDeprecation, deprecated, warn


@deprecated("0.2", "0.3", "new_way()")
def old_way(x: int) -> int:
    """Doubles."""
    return 2 * x


def test_a_deprecated_function_works_and_warns_at_its_caller() -> None:
    with pytest.warns(
        EdgerouteDeprecation, match=r"old_way is deprecated since edgeroute 0.2 and will be gone in 0.3; use new_way\(\)"
    ) as seen:
        assert old_way(2) == 4
    assert seen[0].filename == __file__
    assert old_way.__doc__ == "Doubles."


def test_a_spelling_may_be_deprecated_too() -> None:
    with pytest.warns(EdgerouteDeprecation, match="Target.colour is deprecated") as seen:
        warn("Target.colour", "0.2", "0.3", "Target.color")
    assert seen[0].filename == __file__
