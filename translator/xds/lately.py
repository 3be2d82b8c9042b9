"""The virtual hosts of shards that were encoded last: a memo that changes no answer.

A changed route is in a shard of each Listener, where its virtual host is the same, and the other virtual hosts of these
shards are as they were. So the next shard is often made of what the last one was made of.
"""

from typing import Final, NamedTuple

from envoyapi.config_route_v3 import VirtualHost
from translator import ir
from translator.xds.route import EncodedRoute
from translator.xds.shards import Piece
from translator.xds.virtual_host import Behind, encode_virtual_host

MOST: Final = 32
"""Virtual hosts, of about a hundred routes each at most: some hundred KiB."""


class _Made(NamedTuple):
    host: ir.VirtualHost
    behind: Behind
    routes: list[EncodedRoute]
    encoded: VirtualHost


class Lately:
    """What was encoded last, by what stands in it."""

    def __init__(self) -> None:
        self._made: dict[Piece, _Made] = {}

    def __len__(self) -> int:
        return len(self._made)

    def encoded(self, piece: Piece, host: ir.VirtualHost, routes: list[EncodedRoute], behind: Behind) -> VirtualHost:
        """As `encode_virtual_host`; `routes` are those of the piece."""
        made = self._made.pop(piece, None)
        if made is None or made.routes != routes or made.host != host or made.behind != behind:
            made = _Made(host, behind, routes, encode_virtual_host(host, routes, behind))
        self._made[piece] = made
        if len(self._made) > MOST:
            del self._made[next(iter(self._made))]
        return made.encoded
