"""What a person is told when the gateway is ready: what runs, and what to try, of what the folder really serves."""

import os
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from entrypoint.folder import UnseenError, told_by
from entrypoint.ready import PATH as READY
from entrypoint.ready import diagnostics_host
from process.settings import MORE_CONFIG_DIRS, Settings
from process.text import escaped

_PAGE: Final = "/ambassador/v0/diag/"
_DIAG: Final = f"{_PAGE}?json=true"
_EXAMPLES: Final = 3
_SCHEMES: Final = {False: "HTTP", True: "HTTPS"}

Asking = Callable[[Settings], Mapping[str, Any]]
"""Finds what `cli.tries` says."""


def greeting_of(environ: Mapping[str, str]) -> Callable[[Settings], str]:
    """Whoever greets a person for a gateway of this environment."""
    return partial(greeting, asking=partial(ask, environ))


def ask(environ: Mapping[str, str], settings: Settings) -> Mapping[str, Any]:
    """What there is to try, from a process of its own; nothing where that fails."""
    asked = {
        **environ,
        "DRAGOMAN_CONFIG_DIR": str(settings.config_dir.absolute()) if settings.config_dir else "",
        MORE_CONFIG_DIRS: os.pathsep.join(str(more.absolute()) for more in settings.more_config_dirs),
    }
    try:
        found: dict[str, Any] = told_by("cli.tries", asked)
    except UnseenError:
        return {"found": [], "by_default": []}
    return found


def greeting(settings: Settings, asking: Asking) -> str:
    """A few lines: commands to copy for what the folder serves."""
    host = "127.0.0.1" if settings.bind_address in {"0.0.0.0", "::"} else settings.bind_address
    diagnostics = f"http://{_bracketed(diagnostics_host(settings))}:{settings.diagnostics_port}"
    found = asking(settings)
    lines = [
        "",
        f"Dragoman serves {escaped(str(settings.config_dir))}. Edits are served as they are made; Ctrl-C ends it.",
        *_about_listeners(found["by_default"], settings),
        "",
        *(_requests(found["found"], host) or ["  (nothing to ask yet: it takes a Mapping whose Host is served)"]),
        *(f"  {shlex.join(['curl', diagnostics + path])}" for path in (READY, _DIAG)),
        f"In a browser: {diagnostics}{_PAGE}",
        "",
    ]
    return "\n".join(lines) + "\n"


def _about_listeners(opened: list[int], settings: Settings) -> list[str]:
    """That ports are open though no Listener says so, and the Listener to write, on one line."""
    if not opened:
        return []
    opened = sorted(opened, key=settings.default_ports.index)
    ports = " and ".join(f"{port} ({_SCHEMES[settings.default_ports.index(port) == 1]})" for port in opened)
    spec = f"{{port: {opened[0]}, protocol: HTTP, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}"
    written = f"{{apiVersion: getambassador.io/v3alpha1, kind: Listener, metadata: {{name: http}}, spec: {spec}}}"
    return [f"It has no Listener, so {ports} are open, until it has one, such as {written}"]


def _requests(found: list[Mapping[str, Any]], host: str) -> list[str]:
    """Some requests at the first port, and one at each other."""
    asked: dict[int, list[str]] = {}
    secured = {each["port"] for each in found if each["tls"]}
    for each in found:
        if each["port"] in secured and not each["tls"]:
            continue
        commands = asked.setdefault(each["port"], [])
        if len(commands) < (_EXAMPLES if len(asked) == 1 else 1):
            commands.append(f"  {_command(each, host)}")
    return [command for commands in asked.values() for command in commands]


def _command(each: Mapping[str, Any], host: str) -> str:
    """A curl command. A named host is asked by its name, since TLS shows it before any header, and without our port."""
    name, port = each["name"], each["port"]
    options = ["--insecure"] if each["tls"] else []
    if name:
        options += ["--connect-to", f"::{_bracketed(host)}:{port}"]
    url = f"{'https' if each['tls'] else 'http'}://{name or f'{_bracketed(host)}:{port}'}{each['path']}"
    return shlex.join(["curl", *options, url])


def _bracketed(host: str) -> str:
    """An address as a URL has it."""
    return f"[{host}]" if ":" in host else host
