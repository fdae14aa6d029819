"""What plugins say becomes a catalog; what does not fit costs only the plugin that said it."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import pytest

from edgeroute.catalog import build
from edgeroute.errors import UsageError
from edgeroute.plugins import Plugin, Plugins
from edgeroute.types import Converter, Cost, Environment, Format, Runner, Target
from tests.core.graphs import edge, module, node


@dataclass(frozen=True)
class Bare:
    """Options of which one has to be given."""

    there: int


def session(*modules: ModuleType) -> Plugins:
    return Plugins([Plugin(m.__name__, "loaded", "test", module=m) for m in modules])


def status(plugins: Plugins) -> dict[str, tuple[str, str]]:
    return {p.name: (p.status, p.reason) for p in plugins.all}


GOOD = module("good", formats=[node("a"), node("b")], converters=[edge("ab", "a", "b")], targets=[Target("t", "t", ("b",))])


def test_a_catalog_in_two_lines() -> None:
    catalog = build(session(GOOD))
    assert (list(catalog.formats), [c.key for c in catalog.converters], list(catalog.targets)) == (["a", "b"], ["ab:a->b"], ["t"])
    assert catalog.owners["converter:ab"] == "good"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (module("bad", formats=[node("a")]), "format a belongs to the plugin good"),
        (module("bad", converters=[edge("x", "a", "nowhere")]), "names the format nowhere"),
        (module("bad", converters=[edge("x", "a", "b", environment="moon")]), "environment or tool moon"),
        (module("bad", converters=["nonsense"]), "answered str where Converter is wanted"),
        (module("bad", converters=[edge("x", "a", "b"), edge("x", "a", "b")]), "twice"),
        (module("bad", converters=[edge("x", "a", "b", options=int)]), "not a dataclass"),
        (module("bad", targets=[Target("u", "u", ("moon",))]), "accepts moon"),
        (module("bad", formats=[Format("z", "z", ".z", is_a="moon")]), "special case of moon"),
        (module("bad", formats=7), "raised TypeError"),
        (module("bad", formats=[Format("", "z", ".z")]), "answered Format without a name"),
        (module("bad", formats=[Format(3, "z", ".z")]), "answered Format whose name is 3, but should be str"),  # type: ignore[arg-type]
        (module("bad", converters=[Converter("x", "a", "b", "p:f", cost=3)]), "answered Converter whose cost is 3, but should be Cost"),  # type: ignore[arg-type]
        (module("bad", converters=[Converter("x", "a", "b", "p:f", cost=Cost("much"))]), "Cost whose risk is 'much', but should be float"),  # type: ignore[arg-type]
        (
            module("bad", converters=[edge("x", "a", "b", preflight="nowhere")]),
            "preflight is 'nowhere', but should be 'package.module:function'",
        ),
        (module("bad", converters=[edge("x", "a", "b", options=Bare)]), "option there has no default"),
        (module("bad", targets=[Target("u", "u", "a")]), "accepts is 'a', but should be tuple[str, ...]"),  # type: ignore[arg-type]
        (module("bad", environments=[Environment("e", ("cheese is good",))]), "'cheese is good' is not a requirement"),
        (module("bad", environments=[Environment("e", ("cheese==1",), python="three")]), "'three' is not a range of Python versions"),
        (module("bad", runners=[Runner("r", ("a",), "x:y", environment="moon")]), "runner r names the environment moon"),
    ],
)
def test_a_plugin_that_does_not_fit_costs_only_its_own_edges(bad: ModuleType, reason: str) -> None:
    plugins = session(GOOD, bad)
    catalog = build(plugins)
    assert status(plugins)["bad"][0] in ("broken", "shadowed")
    assert reason in status(plugins)["bad"][1]
    assert [c.name for c in catalog.converters] == ["ab"]


def test_who_leans_on_a_broken_plugin_falls_with_it() -> None:
    broken = module("broken", formats=[node("x"), node("a")])
    leaning = module("leaning", converters=[edge("xb", "x", "b")])
    plugins = session(GOOD, broken, leaning)
    assert [c.name for c in build(plugins).converters] == ["ab"]
    assert status(plugins)["leaning"][0] == "broken"


def test_what_executes_a_format_stays_when_another_plugin_would_too() -> None:
    first, second = (module(name, runners=[Runner(runner, ("a",), "x:y")]) for name, runner in (("first", "z"), ("second", "a")))
    catalog = build(session(GOOD, first, second))
    runner = catalog.runner("a")
    assert runner is not None and runner.name == "z"


def test_one_name_may_serve_several_edges_of_one_plugin() -> None:
    both = module("both", converters=[edge("q", "a", "b"), edge("q", "b", "a")])
    assert [c.key for c in build(session(GOOD, both)).named("q")] == ["q:a->b", "q:b->a"]


def test_environments_are_found_by_name() -> None:
    catalog = build(session(module("e", environments=[Environment("moon", ("cheese==1",))])))
    assert catalog.environments["moon"].name == "moon"


def test_an_unknown_name_offers_the_nearest() -> None:
    catalog = build(session(module("t", formats=[node("b")], targets=[Target("artpec8", "", ("b",))])))
    with pytest.raises(UsageError) as caught:
        catalog.target("artpec-8")
    assert "did you mean artpec8?" in caught.value.remedy
    assert caught.value.code == "unknown-target"
