"""`dragoman run FOLDER`: the gateway in a terminal. The same entrypoint as in the image, with settings for a person."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import click

from cli.greeting import greeting_of
from cli.terminal import foreground
from entrypoint.start import begin
from process.settings import Settings, SettingsError

FOR_A_TERMINAL: Mapping[str, str] = {
    "AMBASSADOR_ENVOY_BIND_ADDRESS": "127.0.0.1",
    "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "127.0.0.1",
    "DRAGOMAN_DEFAULT_PORTS": "8080,8443",
    "DRAGOMAN_DRAIN_MIN": "0",
    "DRAGOMAN_DRAIN_MAX": "1",
    "DRAGOMAN_ROUTE_STATS": "all",
}
"""What holds unless the environment says otherwise: only this machine is served, also where no Listener says at which
port, and Ctrl-C ends in about a second."""


@click.command(
    epilog="Examples:  dragoman run examples/quickstart --log-level warning\n\n"
    "           dragoman run --live examples/quickstart"
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--address", metavar="IP", help="Where to listen.  [default: 127.0.0.1]")
@click.option(
    "--diagnostics-port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="The port of health, metrics and diag.  [default: 8877]",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="[default: info]")
@click.option("--live", is_flag=True, help="On a terminal: a picture of problems, changes and requests.")
def run(folder: Path, address: str | None, diagnostics_port: int | None, log_level: str | None, live: bool) -> None:
    """Serve the YAML in FOLDER with a real Envoy, until Ctrl-C.

    Edits are served as they are made; mistakes are told here, and everything else keeps serving. The exit code is 0
    after Ctrl-C, 1 when a part could not be kept alive, and 2 when it could not begin, as with a port that is taken.
    """
    options = {
        "DRAGOMAN_CONFIG_DIR": str(folder),
        "AMBASSADOR_ENVOY_BIND_ADDRESS": address,
        "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": address,
        "AMBASSADOR_HEALTHCHECK_BIND_PORT": str(diagnostics_port) if diagnostics_port else None,
        "AES_LOG_LEVEL": log_level,
    }
    given = {name: value for name, value in options.items() if value is not None}
    with foreground(os.environ):
        environ = {**FOR_A_TERMINAL, **os.environ, **given}
        gateway = partial(begin, environ, greeting_of(environ))
        sys.exit(_shown(gateway, environ) if live else gateway())


def _shown(gateway: Callable[[], int], environ: Mapping[str, str]) -> int:
    """As a picture, where there is a terminal for one, and settings that say where the diagnostics answer."""
    from cli import live  # noqa: PLC0415 -- who does not ask for it needs none of it

    try:
        settings = Settings.from_environment(environ)
    except SettingsError:
        return gateway()  # which says what is wrong with them
    return live.shown(gateway, settings) if live.is_possible(environ) else gateway()
