"""`dragoman version`: what is running here."""

import os
import platform
import subprocess

import click

from entrypoint.envoy import LaunchError, find
from process.settings import Settings, SettingsError
from process.version import VERSION


@click.command(epilog="Example:  dragoman version")
def version() -> None:
    """Print the versions of Dragoman and of the Envoy that it would run."""
    click.echo(f"dragoman {VERSION}")
    try:
        click.echo(f"envoy {envoy_version()}")
    except (LaunchError, SettingsError, OSError) as error:
        raise click.ClickException(f"there is no Envoy to ask: {error}") from error
    click.echo(f"python {platform.python_version()}")


def envoy_version() -> str:
    """Envoy's version and build, from its own line `PATH  version: REVISION/VERSION/STATE/TYPE/LIBRARY`."""
    binary = find(Settings.from_environment(os.environ))
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    build = said.stdout.strip().rpartition("version: ")[2].split("/")
    if said.returncode != 0 or len(build) < 2:
        raise LaunchError(f"{binary} --version says: {(said.stdout + said.stderr).strip()[:200]!r}")
    return f"{build[1]} ({build[0][:12]}, {'/'.join(build[2:])})"
