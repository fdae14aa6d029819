"""What `convert` does for more than one conversion, for a config file, and for a saved plan."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeroute.batch import Batch, Ended, Item, run_all
from edgeroute.cli import config, convert_, shared
from edgeroute.errors import UsageError
from edgeroute.report.batch import HEADS, batch_rows
from edgeroute.report.files import must_be_report, write_report
from edgeroute.runner.request import Request
from edgeroute.types import ConversionResult
from edgeroute.workshop import Workshop

SELECTION = ("source", "to", "config", "profile", "plan")
"""Arguments that say which conversions there are; all others belong to each of them."""


def configure(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("several conversions, and conversions from a file")
    group.add_argument("--config", metavar="FILE", help=f"models, targets and options from a file ({config.NAME} where no model is named)")
    group.add_argument("--profile", metavar="NAME", default="", help="a profile of that file")
    group.add_argument("--plan", metavar="FILE", help="take exactly the route that `edgeroute plan --save FILE` wrote down")


def asked(arguments: argparse.Namespace) -> bool:
    """Whether this is anything else than one model for one device."""
    return bool(arguments.config) or len(arguments.source) != 1 or "," in (arguments.to or "")


def run(arguments: argparse.Namespace) -> int:
    """Convert all, print the summary; the exit code says whether all, some or none succeeded."""
    shop = shared.workshop(arguments)
    told = [(Path(source), target, own) for source, target, own in _conversions(arguments)]
    items = [Item(source, target, _request(own, source, target, len(told))) for source, target, own in told]
    reports = [_report(own, source, target, len(told)) for source, target, own in told]
    batch = run_all(shop, items, _tell)
    for ended, report in zip(batch.items, reports, strict=True):
        if ended.result is not None and report is not None:
            write_report(ended.result, report, shop.catalog)
    _show(arguments, batch)
    return batch.exit_code


def replayed(shop: Workshop, arguments: argparse.Namespace) -> ConversionResult:
    """The conversion that a saved plan describes, and in its details what has changed since the plan was made."""
    from edgeroute import replay
    from edgeroute.runner.convert import convert

    file = Path(arguments.plan)
    saved = replay.load(file)
    if arguments.to and arguments.to != saved.target:
        raise UsageError(
            f"{file.name} was made for {saved.target}, not for {arguments.to}",
            remedy="leave out --to, or plan anew",
            code="plan-other-target",
        )
    source = Path(arguments.source[0]) if arguments.source else replay.source_of(saved, file)
    changed = replay.changes(shop, saved, source)
    for sentence in changed:
        print(f"since the plan was saved: {sentence}", file=sys.stderr)
    result = convert(shop, source, saved.target, replay.pinned(shop, saved, convert_.request(arguments)))
    return dataclasses.replace(result, details={**result.details, "replay": {"plan": file.name, "changed": changed}})


def _conversions(arguments: argparse.Namespace) -> list[tuple[str, str, argparse.Namespace]]:
    """Source, target and arguments of every conversion."""
    file = arguments.config or (config.NAME if not arguments.source and Path(config.NAME).is_file() else "")
    if file:
        return _configured(arguments, Path(file))
    targets = [t.strip() for t in (arguments.to or "").split(",") if t.strip()]
    if not arguments.source or not targets:
        raise UsageError(
            "nothing says what to convert" if not arguments.source else "nothing says for which device",
            remedy="edgeroute convert MODEL --to TARGET; or --config edgeroute.toml (`edgeroute list targets` shows the devices)",
            code="bad-arguments",
        )
    folder_out = arguments.out is None or arguments.out.endswith("/") or Path(arguments.out).is_dir()
    if len(arguments.source) * len(targets) > 1 and not folder_out:
        raise UsageError(
            f"several results cannot all become {arguments.out}", remedy=f"name a folder: --out {arguments.out}/", code="batch-collision"
        )
    return [(source, target, arguments) for source in arguments.source for target in targets]


def _configured(arguments: argparse.Namespace, file: Path) -> list[tuple[str, str, argparse.Namespace]]:
    if arguments.source:
        raise UsageError(
            "models are named both on the command line and in a config file",
            remedy="leave one of them out; a profile picks models: --profile NAME",
            code="bad-arguments",
        )
    only = {t.strip() for t in (arguments.to or "").split(",") if t.strip()}
    told, given = list(config.Config(file).conversions(arguments.profile, convert_.parser())), _given(arguments.words)
    asked = sorted({target for _, target, _ in told})
    if strange := sorted(only - {*asked}):
        raise UsageError(
            f"{file.name} asks for no conversion to {', '.join(strange)}",
            where=str(file),
            remedy=f"it asks for {', '.join(asked)}: name one of them with --to, or write the target into the file",
            code="config-unknown",
        )
    chosen = [t for t in told if not only or t[1] in only]
    return [(source, target, _overridden(_parsed(file, source, target, words), given)) for source, target, words in chosen]


def _parsed(file: Path, source: str, target: str, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of one conversion that a config file asks for."""
    try:
        return convert_.parser().parse_args([source, "--to", target, *words])
    except UsageError as error:
        raise UsageError(
            f"{file.name} asks for {Path(source).name} to {target}: {error.message}", where=str(file), remedy=error.remedy, code=error.code
        ) from error


def _given(words: Sequence[str]) -> dict[str, Any]:
    """What the command line says itself, without the defaults: an option that is named with its default is meant, too."""
    parser = convert_.parser()
    for action in parser._actions:
        action.default = argparse.SUPPRESS
    return {name: value for name, value in vars(parser.parse_args(words)).items() if name not in SELECTION}


def _overridden(own: argparse.Namespace, given: Mapping[str, Any]) -> argparse.Namespace:
    """What the command line says beside the file wins; what may be repeated is joined."""
    for name, value in given.items():
        before = getattr(own, name, None)
        setattr(own, name, [*before, *value] if isinstance(before, list) and isinstance(value, list) else value)
    return own


def _request(arguments: argparse.Namespace, source: Path, target: str, count: int) -> Request:
    asked = convert_.request(arguments)
    return dataclasses.replace(asked, c_header=_own(asked.c_header, source, target, count)) if asked.c_header else asked


def _report(arguments: argparse.Namespace, source: Path, target: str, count: int) -> Path | None:
    """Where a conversion's own report goes."""
    if not arguments.report:
        return None
    place = _own(Path(arguments.report), source, target, count)
    must_be_report(place)
    return place


def _own(path: Path, source: Path, target: str, count: int) -> Path:
    """A file that every conversion writes: report.html becomes report.MODEL.TARGET.html where there are several."""
    return path.with_name(f"{path.stem}.{source.stem}.{target}{path.suffix}") if count > 1 else path


def _tell(ended: Ended) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{'✓' if ended.result else '✗'} {ended.item.source.name} → {ended.item.target}: {ended.status}", file=sys.stderr)


def _show(arguments: argparse.Namespace, batch: Batch) -> None:
    if arguments.json:
        shared.emit(batch.as_json())
        return
    shared.say(shared.table(batch_rows(batch), HEADS))
    good = len(batch.items) - len(batch.failed)
    shared.say(f"\n{good} of {len(batch.items)} succeeded, in {batch.seconds:.1f} s")
    for ended in batch.failed:
        if ended.error is not None:
            shared.say(f"  {ended.item.source.name} → {ended.item.target}: {ended.error.message}\n    → {ended.error.remedy}")
