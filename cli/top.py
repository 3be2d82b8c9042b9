"""`dragoman top`: requests per second, errors and latencies by route or cluster, of a running gateway."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import orjson

from cli.diag import Diag, DiagError, at, split
from cli.screen import size
from cli.traffic import HOW_TO_COUNT, SORTS, By, Row, in_order, lines, rows_of
from process.settings import SettingsError
from process.text import escaped
from why.gateway import GatewayError, find

UNKNOWN: Final = 2
_BESIDE: Final = 5
"""Lines of a terminal that are not rows."""


@click.command(
    epilog="Examples:  dragoman top -n team-a --sort errors\n\n"
    "           dragoman top --by cluster --once -o json\n\n"
    "In a cluster:  kubectl exec POD -- dragoman top; or kubectl port-forward POD 8877 and --url http://127.0.0.1:8877"
)
@click.option("-n", "--namespace", "namespaces", multiple=True, help="Of this one; may be repeated.")
@click.option(
    "--by",
    type=click.Choice(["route", "cluster"]),
    help="By the object whose route it is, or by cluster.  [default: route, where routes are counted]",
)
@click.option("--sort", type=click.Choice(SORTS), default="requests", show_default=True, help="What is most, first.")
@click.option("--interval", type=click.FloatRange(0.2, 3600), default=2.0, show_default=True, metavar="SECONDS")
@click.option("--once", is_flag=True, help="Tell it once, of one interval.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the gateway, where several run.")
@click.option("--url", help="Where its diagnostics answer.  [default: in the run directory of the one that runs here]")
def top(
    namespaces: tuple[str, ...],
    by: By | None,
    sort: str,
    interval: float,
    once: bool,
    output: str,
    run_dir: Path | None,
    url: str | None,
) -> None:
    """Tell requests per second, errors and latencies of the gateway that runs here, until Ctrl-C.

    Latencies are of the last 15 seconds that Envoy has summed up. The exit code is 0, and 2 when it cannot be told.
    """
    if url and run_dir:
        raise click.UsageError("--url and --run-dir each say which gateway: give one")
    try:
        diag = at(url) if url else Diag(find(run_dir, os.environ).settings.diagnostics_socket)
        with contextlib.suppress(KeyboardInterrupt):
            for told in _looks(diag, by, split(namespaces), interval, once=once):
                _show({**told, "rows": in_order(told["rows"], sort)}, output, anew=not once)
    except ValueError as error:
        raise click.UsageError(escaped(str(error))) from None
    except (DiagError, GatewayError, SettingsError) as error:
        click.echo(f"Error: {escaped(str(error))}", err=True)
        sys.exit(UNKNOWN)


def _looks(diag: Diag, by: By | None, namespaces: list[str], interval: float, *, once: bool) -> Iterator[Row]:
    """What happened in each interval."""
    before, since = _asked(diag), time.monotonic()
    while True:
        time.sleep(interval)
        now, at_last = _asked(diag), time.monotonic()
        used: By = by or ("route" if now["routes"] else "cluster")
        if used == "route" and not now["routes"]:
            raise DiagError(f"requests are not counted by route there: {HOW_TO_COUNT}; or ask --by cluster")
        notes = [] if by or used == "route" else [f"by cluster, since routes are not counted: {HOW_TO_COUNT}"]
        rows = rows_of(before[f"{used}s"], now[f"{used}s"], at_last - since, namespaces)
        yield {"by": used, "seconds": round(at_last - since, 3), "notes": notes, "rows": rows}
        before, since = now, at_last
        if once:
            return


def _asked(diag: Diag) -> Any:
    return diag.ask("traffic")["traffic"]


def _show(told: Row, output: str, *, anew: bool) -> None:
    if output == "json":
        click.echo(orjson.dumps(told, option=0 if anew else orjson.OPT_INDENT_2))
        return
    is_live = anew and sys.stdout.isatty()
    if is_live:
        click.clear()
    height = size().lines - _BESIDE if is_live else None
    for line in lines(told["rows"], told["notes"], height):
        click.echo(line)
    if anew and not is_live:
        click.echo("")
