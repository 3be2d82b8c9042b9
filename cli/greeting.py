"""What a person is told when the gateway is ready: what runs, and what to try, taken from the folder itself."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from entrypoint.folder import Document, of_kind, spec
from entrypoint.ready import PATH as READY
from entrypoint.ready import diagnostics_host
from process.settings import Settings
from process.text import escaped

_DIAG = "/ambassador/v0/diag/?json=true"
_EXAMPLES = 3
_NARROWING = ("prefix_regex", "method", "headers", "regex_headers", "query_parameters", "regex_query_parameters")
"""What makes a Mapping answer less than every request for its prefix."""


@dataclass(frozen=True, slots=True)
class _Door:
    """A way in: the scheme and the port of a Listener."""

    scheme: str
    port: int


def greeting(settings: Settings, found: list[Document]) -> str:
    """A few lines: commands to copy for what the folder's Listeners and Mappings serve."""
    host = "127.0.0.1" if settings.bind_address in {"0.0.0.0", "::"} else settings.bind_address
    diagnostics = f"http://{_bracketed(diagnostics_host(settings))}:{settings.diagnostics_port}"
    lines = [
        "",
        f"Dragoman serves {escaped(str(settings.config_dir))}. Edits are served as they are made; Ctrl-C ends it.",
        "",
        *(_requests(settings, found, host) or ["  (nothing to ask yet: it takes a Listener, a Host and a Mapping)"]),
        *(f"  {shlex.join(['curl', diagnostics + path])}" for path in (READY, _DIAG)),
        "",
    ]
    return "\n".join(lines) + "\n"


def _requests(settings: Settings, found: list[Document], host: str) -> list[str]:
    """Some Mappings on the first door, and one on each other."""
    doors = list(_doors(of_kind(found, "Listener", settings.ambassador_id)))
    asked = list(_asked(of_kind(found, "Mapping", settings.ambassador_id)))
    return [
        f"  {_command(door, host, name, path)}"
        for number, door in enumerate(doors)
        for name, path in asked[: 1 if number else _EXAMPLES]
    ]


def _doors(listeners: list[Document]) -> Iterator[_Door]:
    for listener in listeners:
        stack, port = spec(listener).get("protocolStack"), spec(listener).get("port")
        protocols = {str(one) for one in stack} if isinstance(stack, list) else {str(spec(listener).get("protocol"))}
        if "UDP" in protocols:  # HTTP/3, which many a curl does not speak
            continue
        if isinstance(port, int) and protocols & {"HTTP", "HTTPPROXY", "HTTPS", "HTTPSPROXY"}:
            yield _Door("https" if protocols & {"HTTPS", "HTTPSPROXY", "TLS"} else "http", port)


def _asked(mappings: list[Document]) -> Iterator[tuple[str, str]]:
    """Host name ("" for any) and path of the Mappings that answer a plain GET, each once."""
    seen = set()
    for mapping in mappings:
        path, name = spec(mapping).get("prefix"), str(spec(mapping).get("hostname", spec(mapping).get("host", "*")))
        if not isinstance(path, str) or not (path + name).isprintable() or any(map(spec(mapping).get, _NARROWING)):
            continue
        question = ("" if name == "*" else name.replace("*", "any"), path)
        if question not in seen:
            seen.add(question)
            yield question


def _command(door: _Door, host: str, name: str, path: str) -> str:
    """A curl command. A named host is asked by its name, since TLS shows it before any header."""
    options = ["--insecure"] if door.scheme == "https" else []
    if name:
        options += ["--connect-to", f"::{_bracketed(host)}:{door.port}"]
    url = f"{door.scheme}://{name or _bracketed(host)}:{door.port}{path}"
    return shlex.join(["curl", *options, url])


def _bracketed(host: str) -> str:
    """An address as a URL has it."""
    return f"[{host}]" if ":" in host else host
