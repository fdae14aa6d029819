"""The page of the command line, and the table of exit codes, from the parser and the tree of errors."""

from __future__ import annotations

import argparse

from docs.scripts.markdown import cell, code, fence, grid, page
from edgeroute import errors
from edgeroute.cli.main import COMMANDS, command_parser
from edgeroute.explain import families

OTHERS = {
    0: "success",
    1: "an internal error: please report it",
    errors.HANDED_OVER: "a hand-over: the last step is left to a colleague who has the vendor's tool, and the bundle for it was written",
    errors.PARTIAL: "a batch of which only some succeeded",
    130: "interrupted; what was verified is kept, and the same command goes on from there",
}


def command_line() -> str:
    """Every command with its arguments."""
    parts = [
        "`edgeroute COMMAND …` and `python -m edgeroute COMMAND …` are the same program. Data goes to stdout, talk to stderr. "
        "What `--json` prints is described in [JSON output](json.md), what the program exits with in [Exit codes](exit-codes.md).\n",
        grid(("command", "what it does"), [(f"[`{name}`](#{name})", text) for name, text in COMMANDS.items()]),
        *(_command(name) for name in COMMANDS),
        _variables(),
    ]
    return page("Command line", *parts)


def _command(name: str) -> str:
    parser = command_parser(name)
    groups = [g for g in parser._action_groups if [a for a in g._group_actions if a.dest != "help"]]
    blocks = [f"## {name}\n", f"{parser.description}\n", fence(usage(name, parser), "text")]
    for group in groups:
        actions = [a for a in group._group_actions if a.dest != "help"]
        title = {"positional arguments": "", "options": ""}.get(group.title or "", f"**{(group.title or '').capitalize()}**\n")
        blocks += [title, grid(("argument", "meaning", "default"), map(_argument, actions))]
    return "\n".join(b for b in blocks if b)


def usage(name: str, parser: argparse.ArgumentParser) -> str:
    """One line: positional arguments, then those options that must be given."""
    given = [_spelling(a) for a in parser._actions if not a.option_strings]
    needed = [f"{a.option_strings[-1]} {_value(a)}" for a in parser._actions if a.option_strings and a.required]
    return " ".join(["edgeroute", name, *given, *needed, "[options]"])


def _argument(action: argparse.Action) -> tuple[str, str, str]:
    default = "" if action.default in (None, False, "", [], argparse.SUPPRESS) else code(action.default)
    names = (
        code(_spelling(action))
        if not action.option_strings
        else ", ".join(code(f"{n} {_value(action)}".strip()) for n in action.option_strings)
    )
    said = (action.help or "").replace("%(default)s", str(action.default))
    return names, said, default


def _spelling(action: argparse.Action) -> str:
    shown = _value(action)
    return {"*": f"[{shown} …]", "?": f"[{shown}]", "+": f"{shown} …"}.get(str(action.nargs), shown)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices and not action.metavar:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def _variables() -> str:
    rows = [
        ("`EDGEROUTE_HOME`", "where environments and the cache live; default: `$XDG_CACHE_HOME/edgeroute`, else `~/.cache/edgeroute`"),
        ("`EDGEROUTE_ENVIRONMENTS`", "where environments are built, to share them between homes; default: `environments` in the home"),
        ("`EDGEROUTE_DISABLE`", "names of plugins to leave out, with commas"),
        ("`EDGEROUTE_DEBUG`", "not empty: an internal error shows its traceback"),
        ("`NO_COLOR`", "not empty: no colours"),
        ("`COLUMNS`", "how wide the terminal is, where it does not say so itself"),
    ]
    return (
        "## Environment variables\n\n"
        + grid(("variable", "meaning"), rows)
        + "\nVendors' tools have one each: [Environments](environments.md#tools).\n"
    )


def exit_codes() -> str:
    """One table."""
    table = OTHERS | {f.exit_code: f"{_first(f)} (`{name}`)" for name, f in families().items() if f.exit_code != 1}
    return page(
        "Exit codes",
        'One exit code per family of errors. With `--json`, stdout holds `{"error": {"code", "message", "where", "remedy", "exit_code"}}`; '
        "in Python the same families are the exceptions of `edgeroute.errors`. `edgeroute explain CODE` explains every code; "
        "[all of them](errors.md).\n",
        grid(("exit code", "meaning"), [(number, text) for number, text in sorted(table.items())]),
        "\n`check` and `env check` print their findings and exit with 8 and 5 when one of them is an error.\n",
    )


def _first(family: type[errors.EdgerouteError]) -> str:
    text = cell((family.__doc__ or "").strip())
    return (text[0].lower() + text[1:]).rstrip(".")
