"""`dragoman status`: what became of each object of a running gateway, and Envoy's word about it."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson

from cli import history
from cli.diag import Diag, DiagError, at, split
from cli.states import ASKED, SILENT, Report, is_bad, lines, report
from process.settings import SettingsError
from process.text import escaped
from why.gateway import GatewayError, find

UNKNOWN: Final = 2
EACH: Final = 1.0
"""Seconds between two looks at whether something is different."""


@click.command(
    epilog="Examples:  dragoman status -n team-a --problems\n\n"
    "           dragoman status --changes -n team-a\n\n"
    "In a cluster:  kubectl exec POD -- dragoman status; or kubectl port-forward POD 8877 and --url http://127.0.0.1:8877"
)
@click.option("-n", "--namespace", "namespaces", multiple=True, help="Objects of this one; may be repeated.")
@click.option("-k", "--kind", "kinds", multiple=True, help="Objects of this one, such as Mapping; may be repeated.")
@click.option("--problems", is_flag=True, help="Only objects of which something is said.")
@click.option("--changes", is_flag=True, help="What changed, as far as is remembered, with what is different.")
@click.option("-w", "--watch", is_flag=True, help="Tell it again whenever something is different, until Ctrl-C.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the gateway, where several run.")
@click.option("--url", help="Where its diagnostics answer.  [default: in the run directory of the one that runs here]")
def status(
    namespaces: tuple[str, ...],
    kinds: tuple[str, ...],
    problems: bool,
    changes: bool,
    watch: bool,
    output: str,
    run_dir: Path | None,
    url: str | None,
) -> None:
    """Tell what became of each object of the gateway that runs here: its state, its problems, and Envoy's word.

    The exit code is 0, 1 when an object that is shown is stopped or refused, and 2 when it cannot be told.
    """
    if url and run_dir:
        raise click.UsageError("--url and --run-dir each say which gateway: give one")
    if changes and (problems or watch):
        raise click.UsageError("--changes goes with neither --problems nor --watch: it tells what was, once")
    try:
        diag = at(url) if url else Diag(find(run_dir, os.environ).settings.diagnostics_socket)
        chosen = (split(namespaces), split(kinds))
        if changes:
            _show_changes(history.chosen(diag.ask(history.HISTORY)[history.HISTORY], *chosen), output)
            return
        found = None
        with contextlib.suppress(KeyboardInterrupt):
            for found in _reports(diag, *chosen, watch=watch):
                _show(found, output, problems_only=problems, anew=watch)
    except ValueError as error:
        raise click.UsageError(escaped(str(error))) from None
    except (DiagError, GatewayError, SettingsError) as error:
        click.echo(f"Error: {escaped(str(error))}", err=True)
        sys.exit(UNKNOWN)
    sys.exit(1 if found is not None and is_bad(found) else 0)


def _show_changes(found: list[Mapping[str, Any]], output: str) -> None:
    if output == "json":
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    for line in history.lines(found):
        click.echo(line)


def _reports(diag: Diag, namespaces: list[str], kinds: list[str], *, watch: bool) -> Iterator[Report]:
    """The report; when it is watched, another whenever it is another."""
    seen: Any = None
    shown: Report | None = None
    while True:
        now = diag.sequences(), _lasting(diag.ask("envoy"))
        if now != seen or shown is None:
            found = report(diag.ask(*ASKED), namespaces, kinds)
            seen = now
            if shown is None or _lasting(found) != _lasting(shown):
                shown = found
                yield found
        if not watch:
            return
        time.sleep(EACH)


def _lasting(told: Report) -> Report:
    """What is told without how long Envoy has run, which is different whenever one asks."""
    return {**told, "envoy": {name: said for name, said in told["envoy"].items() if name != "uptime"}}


def _show(found: Report, output: str, *, problems_only: bool, anew: bool) -> None:
    if output == "json":
        kept = [row for row in found["objects"] if not problems_only or row["problems"] or row["state"] not in SILENT]
        option = 0 if anew else orjson.OPT_INDENT_2
        click.echo(orjson.dumps({**found, "objects": kept}, option=option))
        return
    if anew and sys.stdout.isatty():
        click.clear()
    for line in lines(found, problems_only=problems_only):
        click.echo(line)
