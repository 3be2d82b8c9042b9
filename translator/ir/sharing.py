"""Names that objects of two APIs serve together: who would share one, and what is shared.

One has the name: its certificates, what it asks of clients, and what becomes of clear text hold for all. The other has
routes there. Nobody is let in who is of another namespace.
"""

from typing import Final

from translator.ir.serving import TlsTermination
from translator.values import dataclass

Standing = tuple[int, int, int, int, bytes]
"""Where a route stands in a virtual host that two APIs have, as the beginning of its `order`: the smallest goes first.

It is larger precedence, more letters of the path, more letters that are asked of headers (the host among them), and of
query parameters. The rest is of the API by itself: bytes of its own, or AFTER.
"""

AFTER: Final = b"\xff" * 4
"""Larger than the bytes of whoever has the name: beside a route that is alike in the rest, that one goes first."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish to have routes at an exact name that somebody of the namespace has at a port of TCP."""

    port: int
    hostname: str
    namespace: str
    by_tls: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """A name that is shared: `virtual_host` is the name of the virtual host there, `called` who has it, for people.

    `insecure` is what becomes of requests in clear text.
    """

    virtual_host: str
    called: str
    tls: TlsTermination | None
    insecure: str
