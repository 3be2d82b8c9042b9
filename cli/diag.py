"""Asks the diagnostics of a running gateway: at their socket in its run directory, or at an address."""

import contextlib
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

PATIENCE: Final = 15.0
"""Seconds that an answer may take: a report about very many objects takes some."""
PAGE: Final = "/ambassador/v0/diag/"
_SCHEMES: Final = {"http": HTTPConnection, "https": HTTPSConnection}


class DiagError(Exception):
    """The diagnostics do not answer; the message says what was met, and what to do."""


@dataclass(frozen=True, slots=True)
class Diag:
    """The diagnostics at a place: a unix socket, or an URL such as http://127.0.0.1:8877."""

    place: Path | str

    def ask(self, *names: str) -> dict[str, Any]:
        """What the report has under these names."""
        return {name: self._one(name) for name in names}

    def sequences(self) -> Any:
        """What is different whenever something else is told."""
        return self._one("sequences")

    def numbers(self) -> Any:
        """What Envoy counts of clients at this moment."""
        return self._get(f"{PAGE}numbers")

    def _one(self, name: str) -> Any:
        return self._get(f"{PAGE}?json=true&filter={name}")

    def _get(self, path: str) -> Any:
        try:
            with self._connected() as connection:
                connection.request("GET", path, headers={"Host": "localhost"})
                answer = connection.getresponse()
                body = answer.read()
        except (OSError, HTTPException) as error:
            raise DiagError(f"the diagnostics do not answer at {self.place}: {error or type(error).__name__}") from None
        if answer.status != 200:
            said = body[:300].decode(errors="replace").strip()
            raise DiagError(f"the diagnostics at {self.place} answer {answer.status}: {said}")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise DiagError(f"what answers at {self.place} are no diagnostics of Dragoman's") from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[HTTPConnection]:
        if isinstance(self.place, Path):
            with socket.socket(socket.AF_UNIX) as talk:
                talk.settimeout(PATIENCE)
                talk.connect(str(self.place))
                connection = HTTPConnection("localhost")
                connection.sock = talk
                yield connection
            return
        parts = urlsplit(self.place)
        made = _SCHEMES[parts.scheme](parts.hostname or "", parts.port, timeout=PATIENCE)
        try:
            yield made
        finally:
            made.close()


def at(url: str) -> Diag:
    """The diagnostics at an URL. ValueError: it is none."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.path not in ("", "/") or parts.port == 0:
        raise ValueError(f"{url}: must be http://HOST:PORT, such as http://127.0.0.1:8877")
    return Diag(f"{parts.scheme}://{parts.netloc}")


def split(written: Iterable[str]) -> list[str]:
    """The items of options that may be repeated, or have several with commas between."""
    return [item.strip() for each in written for item in each.split(",") if item.strip()]
