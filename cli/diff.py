"""`dragoman diff`: what a folder would change for Envoy, against another, a revision of git, a gateway or a cluster."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import orjson

from cli.collecting import without_collections
from process import logs
from process.settings import Settings, SettingsError
from process.text import escaped

if TYPE_CHECKING:
    from diff.making import Maker
    from diff.report import Report
    from diff.sources import Side

DIFFERS: Final = 3
UNKNOWN: Final = 2
DEFAULTS: Final = {"DRAGOMAN_DEFAULT_PORTS": "8080,8443"}
"""As for `dragoman lint`: a folder without Listeners is one of Mappings alone."""
GIT: Final = "git:"


@click.command(
    epilog="Examples:  dragoman diff k8s/ --against git:main\n\n"
    "           dragoman diff k8s/ --context production --prove\n\n"
    "Without --against and --context the folder is compared with the gateway that runs here."
)
@click.argument("paths", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(exists=True, path_type=Path))
@click.option("--against", metavar="DIR|git:REV", help="A folder, or a revision of git of the same folder.")
@click.option("--context", metavar="NAME", help="A cluster, by a context of the kubeconfig.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the gateway, where several run.")
@click.option(
    "--prune",
    is_flag=True,
    help="Of a cluster: what is declared in the folder's namespaces, and not in the folder, goes.",
)
@click.option("--prove", is_flag=True, help="Ask two Envoys the same requests, and tell which answers differ.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def diff(
    paths: tuple[Path, ...],
    against: str | None,
    context: str | None,
    run_dir: Path | None,
    prune: bool,
    prove: bool,
    output: str,
) -> None:
    """Tell what FOLDER would change for Envoy: listeners, hosts, routes, clusters, certificates, by team and object.

    Both configurations are made by the translator, and compared by what Envoy would be told: what is only written
    otherwise is no difference. Keys and Secrets are not shown. The exit code is 0 when nothing differs, 3 when
    something does, and 2 when something could not be read.
    """
    if sum(each is not None for each in (against, context, run_dir)) > 1:
        raise click.UsageError("--against, --context and --run-dir each say what to compare with: give one")
    if prune and (against or run_dir):
        raise click.UsageError("--prune is about a cluster: a folder takes the place of another as a whole")
    from diff.sources import SourceError  # noqa: PLC0415 -- what it takes is much, and help is not to wait for it
    from why.gateway import GatewayError  # noqa: PLC0415

    try:
        settings = _settings(paths, in_cluster=context is not None)
        with _tidy(), without_collections(), ExitStack() as closing:
            found, unread = _compared(paths, against, context, run_dir, settings, closing, prune=prune, prove=prove)
    except (SourceError, GatewayError, SettingsError) as error:
        click.echo(f"Error: {escaped(str(error))}", err=True)
        sys.exit(UNKNOWN)
    _write(found, output)
    sys.exit(UNKNOWN if unread else DIFFERS if found["differs"] else 0)


def _settings(paths: tuple[Path, ...], *, in_cluster: bool) -> Settings:
    """Those of the environment; of a folder's gateway, or of one in a cluster."""
    folder = next((path for path in paths if path.is_dir()), paths[0].parent)
    defaults = {} if in_cluster else DEFAULTS
    chosen = "" if in_cluster else str(folder)
    return Settings.from_environment({**defaults, **os.environ, "DRAGOMAN_CONFIG_DIR": chosen})


def _compared(
    paths: tuple[Path, ...],
    against: str | None,
    context: str | None,
    run_dir: Path | None,
    settings: Settings,
    closing: ExitStack,
    *,
    prune: bool,
    prove: bool,
) -> tuple["Report", bool]:
    """The report, and whether something could not be read."""
    from diff.comparing import compare  # noqa: PLC0415
    from diff.making import Maker  # noqa: PLC0415
    from diff.report import report  # noqa: PLC0415
    from diff.sources import applied, of_files  # noqa: PLC0415

    after = of_files(paths, settings)
    before = _before(paths, against, context, run_dir, settings, closing)
    if not against:
        after = applied(before, after, prune=prune)
    in_cluster = context is not None or not before.is_of_a_folder
    maker = Maker.of(_settings(paths, in_cluster=True) if in_cluster else settings)
    made_before = maker.make(before)
    made_after = maker.make(after, made_before if in_cluster else None)
    compared = compare(made_before.outline, made_after.outline, made_before.bodies, made_after.bodies)
    found = report(before, after, made_before, made_after, compared)
    _tell_mistakes(maker, before if before.unread else None)
    _tell_mistakes(maker, after if made_after.stopped or after.unread or _has_problems(after) else None)
    if prove:
        from diff.proof import prove as ask_both  # noqa: PLC0415

        found["proof"] = ask_both(made_before.outline, made_after.outline, compared, settings)
    return found, before.unread or after.unread


def _before(
    paths: tuple[Path, ...],
    against: str | None,
    context: str | None,
    run_dir: Path | None,
    settings: Settings,
    closing: ExitStack,
) -> "Side":
    from diff.sources import SourceError, of_files, of_gateway, of_git  # noqa: PLC0415

    if context:
        from diff.cluster import of_cluster  # noqa: PLC0415 -- the Kubernetes client

        logs.configure("diff", Settings(log_level="error"))
        return asyncio.run(of_cluster(context, settings))
    if against is None:
        from why.gateway import find  # noqa: PLC0415

        return of_gateway(find(run_dir, os.environ).settings)
    if against.startswith(GIT):
        return closing.enter_context(of_git(against.removeprefix(GIT), paths, settings))
    folder = Path(against)
    if not folder.exists():
        raise SourceError(f"--against {against}: there is no such folder (a revision of git is {GIT}{against})")
    return of_files([folder], settings)


def _has_problems(side: "Side") -> bool:
    return side.read is not None and bool(side.read.problems)


def _tell_mistakes(maker: "Maker", side: "Side | None") -> None:
    """What is wrong with the files, as `dragoman lint` tells it, beside the differences."""
    report = maker.linted(side) if side is not None else None
    if report is not None and report.findings:
        from lint.formats import FORMATS  # noqa: PLC0415

        click.echo(FORMATS["text"](report), err=True, nl=False)


def _write(found: "Report", output: str) -> None:
    if output == "json":
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    from diff.text import lines  # noqa: PLC0415

    for line in lines(found):
        click.echo(line)


@contextmanager
def _tidy() -> Iterator[None]:
    """Who is told to end takes away first what was made, as at Ctrl-C: there are certificates' keys in it."""
    ends = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    try:
        for each in ends:
            signal.signal(each, lambda number, _: sys.exit(128 + number))
        yield
    finally:
        for each in ends:
            signal.signal(each, signal.SIG_DFL)
