"""Which routes of a filter chain stand together, when they are too many for one route configuration. Pure.

Envoy builds a route configuration anew for each change in it. So the routes of a chain that has very many are put into
shards, each with a route configuration and a scope of its own, and an index in front of them says which shard a request
belongs to: by its host, and where one host has very many routes, by what its path begins with. Small hosts share a
shard: by a hash of their names, so that one that comes or goes moves no other.

Within a shard only the contents of routes ever change. What decides which requests come there is in its name: where
that changes there is another shard, which is complete before the index leads to it, and the old one stays until it no
longer does. See docs/decisions/0040-an-index-and-shards.md.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final

from translator import ir
from translator.remembering import remembered, text_size
from translator.values import dataclass
from translator.xds.regions import MOST_ROUTES, Region, Regions

MOST_WEIGHT: Final = 128
"""Routes in a shard of several virtual hosts, about."""

_BITS: Final = 32
_INDEX: Final = ":index"

_Small = tuple[str, int, ir.VirtualHost]
Protocols = tuple[str, ...]
"""What connections may change to, by the names of the protocols."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The routes of one virtual host that stand in one shard: those of a region of its paths. `region` None: all."""

    host: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A piece in a shard. `protocols`: those of all its routes, since the index has to say them for each."""

    host: ir.VirtualHost
    piece: Piece
    protocols: Protocols = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """Parts that have a route configuration together; its name is that of its scope as well."""

    name: str
    chain: str
    parts: tuple[Part, ...]

    @property
    def is_region(self) -> bool:
        """Whether it has a part of the routes of one virtual host, and not all those of some."""
        return self.parts[0].piece.region is not None


Led = tuple[tuple[str, str, Protocols], ...]
"""What the index says of a virtual host: what paths begin with, to which shard they belong, and their protocols."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The shards of a chain, and the virtual hosts of which the index itself has all that there is."""

    name: str
    chain: str
    shards: tuple[Shard, ...]
    direct: tuple[ir.VirtualHost, ...]

    def split(self) -> dict[ir.VirtualHost, Led]:
        """What the index says of virtual hosts that stand in more than one shard."""
        found: dict[ir.VirtualHost, Led] = {}
        for shard in self.shards:
            for part in shard.parts if shard.is_region else ():
                found[part.host] = (*found.get(part.host, ()), (part.piece.region or "", shard.name, part.protocols))
        return found


@dataclass(frozen=True, slots=True)
class Facts:
    """What is asked of a virtual host, by its name: about how many routes it has; and of some, what is not usual."""

    weight: Callable[[str], int]
    regions: Mapping[str, Regions]
    protocols: Mapping[Piece, Protocols]


def index_name(chain: str) -> str:
    """The name of the index of a chain, as a route configuration and as a scope."""
    return f"{chain}{_INDEX}"


def chains_of(scopes: Iterable[str]) -> dict[str, bool]:
    """The chains that have an index, by the names of all scopes that there are."""
    return {name.removesuffix(_INDEX): True for name in scopes if name.endswith(_INDEX)}


def carries(host: ir.VirtualHost) -> bool:
    """Whether a virtual host has its Mappings' routes; others only refuse or redirect, but for some challenges."""
    if not host.name or host.insecure == "misdirected":
        return False
    return host.secure != "never" or host.insecure == "route"


def weight_of(count: int) -> int:
    """About how many routes there are: a number that stays the same for nearly every change by one."""
    return 4 ** max(1, count.bit_length() // 2) if count else 0


def is_large(weight: int) -> bool:
    """Whether a virtual host with about so many routes is for regions."""
    return weight > MOST_ROUTES


def plan_of(chain: str, hosts: Iterable[ir.VirtualHost], facts: Facts) -> Plan:
    """The plan for a chain with these virtual hosts."""
    small: list[_Small] = []
    direct: list[ir.VirtualHost] = []
    shards: list[Shard] = []
    for host in hosts:
        if not carries(host):
            direct.append(host)
        elif regions := facts.regions.get(host.name):
            shards += [_region(chain, host, region, facts) for region in regions.all]
        else:
            small.append((_bits(host.hostname), facts.weight(host.name) or 1, host))
    small.sort(key=itemgetter(0))
    shards += [_together(chain, some, facts) for some in _halved(small, 0)]
    return Plan(index_name(chain), chain, tuple(shards), tuple(direct))


def _region(chain: str, host: ir.VirtualHost, region: Region, facts: Facts) -> Shard:
    piece = Piece(host.name, region.prefix)
    return _shard(chain, [Part(host, piece, facts.protocols.get(piece, ()))], region.below)


def _together(chain: str, small: Sequence[_Small], facts: Facts) -> Shard:
    pieces = [(host, Piece(host.name)) for _, _, host in small]
    return _shard(chain, [Part(host, piece, facts.protocols.get(piece, ())) for host, piece in pieces])


def _shard(chain: str, parts: Sequence[Part], below: Sequence[str] = ()) -> Shard:
    asked = [(part.host.hostname, part.host.also, part.piece.region, part.protocols) for part in parts]
    digest = blake2b(repr((asked, below)).encode(), digest_size=8).hexdigest()
    return Shard(f"{chain}:{digest}", chain, tuple(parts))


def _halved(small: list[_Small], depth: int) -> Iterator[list[_Small]]:
    """Hosts that stand together, with about as many routes as a shard is to have. They are sorted by their bits."""
    if not small:
        return
    if len(small) == 1 or depth == _BITS or sum([weight for _, weight, _ in small]) <= MOST_WEIGHT:
        yield small
        return
    middle = bisect_left(small, "1", key=lambda each: each[0][depth])
    yield from _halved(small[:middle], depth + 1)
    yield from _halved(small[middle:], depth + 1)


@remembered(text_size)
def _bits(hostname: str) -> str:
    return f"{int.from_bytes(blake2b(hostname.encode(), digest_size=_BITS // 8).digest()):0{_BITS}b}"
