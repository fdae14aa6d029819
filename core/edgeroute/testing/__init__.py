"""The contract suite: what a plugin owes to its users, as tests that its author gets for nothing.

    from edgeroute.testing.contract import PluginContract

    class TestContract(PluginContract):
        plugin = "edgeroute_demo.plugin"
        samples = {"demo": HERE / "tiny.demo"}

declared.py        what a plugin says, read without a session
declarations.py    tests of that: names, options, pins, symptoms, rules, how fast it imports
conduct.py         tests of hooks that run in the caller's process: bad input, foreign folders, global state
work.py            tests that build environments and convert (marked `real`)
probe.py           the child's side of those tests
samples.py         tiny models to convert
session.py         a workshop with the plugin under test in it
pytest_plugin.py   fixtures and markers, found by pytest itself

Needs pytest, which edgeroute itself does not.
"""
