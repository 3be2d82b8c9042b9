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
from itertools import accumulate
from typing import Final, NamedTuple

from translator import ir
from translator.ir.hosts import BITS, DEPTH, bits_of
from translator.values import dataclass
from translator.xds.regions import MOST_ROUTES, Region, Regions

MOST_WEIGHT: Final = 128
"""Routes in a shard of several virtual hosts, about."""

_INDEX: Final = ":index"

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
class Small:
    """A virtual host that stands in a shard with others: its hash, about how many routes it has, and itself."""

    bits: str
    weight: int
    host: ir.VirtualHost


class Load(NamedTuple):
    """What there is in a bucket: about how many routes, how many hosts, and where it is cut if that is too many."""

    weight: int
    hosts: int
    cuts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bucket:
    """What becomes of a bucket of virtual hosts.

    `small` are those that share shards, sorted by their bits, and `load` what they weigh; `regions` are the shards of
    those that have several; of `direct` the index itself has all that there is.
    """

    small: tuple[Small, ...]
    load: Load
    regions: tuple[Shard, ...] = ()
    direct: tuple[ir.VirtualHost, ...] = ()

    def split(self) -> dict[ir.VirtualHost, Led]:
        """What the index says of virtual hosts that stand in more than one shard."""
        found: dict[ir.VirtualHost, Led] = {}
        for shard in self.regions:
            (part,) = shard.parts
            found[part.host] = (*found.get(part.host, ()), (part.piece.region or "", shard.name, part.protocols))
        return found


@dataclass(frozen=True, slots=True)
class Facts:
    """What is asked of a virtual host, by its name: about how many routes it has, and its regions if it is split.

    `protocols` are those of a piece.
    """

    weight: Callable[[str], int]
    regions: Callable[[str], Regions | None]
    protocols: Callable[[Piece], Protocols | None]


def index_name(chain: str) -> str:
    """The name of the index of a chain, as a route configuration and as a scope."""
    return f"{chain}{_INDEX}"


def index_of(shard: str) -> str:
    """The name of the index that leads to a shard, by the name of the shard."""
    return index_name(shard.rpartition(":")[0])


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


def placed(chain: str, bucket: str, hosts: Iterable[ir.VirtualHost], facts: Facts) -> Bucket:
    """What becomes of a bucket of a chain's virtual hosts."""
    small: list[Small] = []
    direct: list[ir.VirtualHost] = []
    regions: list[Shard] = []
    for host in hosts:
        if not carries(host):
            direct.append(host)
        elif found := facts.regions(host.name):
            regions += [_region(chain, host, region, facts) for region in found.all]
        else:
            small.append(Small(bucket + bits_of(host.hostname)[len(bucket) :], facts.weight(host.name) or 1, host))
    small.sort(key=lambda each: (each.bits, each.host.hostname))
    weight = sum([each.weight for each in small])
    cuts = tuple(_halved(small, bucket)) if weight > MOST_WEIGHT and len(small) > 1 else ()
    return Bucket(tuple(small), Load(weight, len(small), cuts), tuple(regions), tuple(direct))


def cuts_of(loads: Mapping[str, Load]) -> tuple[str, ...]:
    """Where the hashes of a chain's virtual hosts are cut, so that a shard has about as many routes as it is to have.

    `loads` are those of its buckets. Each cut is what all hashes in a shard begin with.
    """
    known = sorted(bucket for bucket, load in loads.items() if load.hosts)
    found = [loads[bucket] for bucket in known]
    weights = [0, *accumulate([load.weight for load in found])]
    hosts = [0, *accumulate([load.hosts for load in found])]

    def cut(first: int, last: int, prefix: str) -> Iterator[str]:
        if weights[last] - weights[first] <= MOST_WEIGHT or hosts[last] - hosts[first] == 1:
            yield prefix
        elif len(prefix) == DEPTH:
            yield from found[first].cuts
        else:
            middle = bisect_left(known, f"{prefix}1", first, last)
            if first < middle:
                yield from cut(first, middle, f"{prefix}0")
            if middle < last:
                yield from cut(middle, last, f"{prefix}1")

    return tuple(cut(0, len(known), "")) if known else ()


def buckets_of(cut: str) -> Iterator[str]:
    """The buckets that a cut takes from."""
    missing = max(DEPTH - len(cut), 0)
    for number in range(2**missing):
        yield cut[:DEPTH] + (f"{number:0{missing}b}" if missing else "")


def together(chain: str, cut: str, buckets: Iterable[Bucket], facts: Facts) -> Shard:
    """The shard of a cut, from the buckets that it takes from."""
    small = [each.host for bucket in buckets for each in bucket.small if each.bits.startswith(cut)]
    pieces = [(host, Piece(host.name)) for host in small]
    return _shard(chain, [Part(host, piece, facts.protocols(piece) or ()) for host, piece in pieces])


def _region(chain: str, host: ir.VirtualHost, region: Region, facts: Facts) -> Shard:
    piece = Piece(host.name, region.prefix)
    return _shard(chain, [Part(host, piece, facts.protocols(piece) or ())], region.below)


def _shard(chain: str, parts: Sequence[Part], below: Sequence[str] = ()) -> Shard:
    asked = [(part.host.hostname, part.host.also, part.piece.region, part.protocols) for part in parts]
    digest = blake2b(repr((asked, below)).encode(), digest_size=8).hexdigest()
    return Shard(f"{chain}:{digest}", chain, tuple(parts))


def _halved(small: Sequence[Small], prefix: str) -> Iterator[str]:
    """Where a bucket is cut that is too heavy by itself."""
    if not small:
        return
    if len(small) == 1 or len(prefix) == BITS or sum([each.weight for each in small]) <= MOST_WEIGHT:
        yield prefix
        return
    middle = bisect_left(small, "1", key=lambda each: each.bits[len(prefix)])
    yield from _halved(small[:middle], f"{prefix}0")
    yield from _halved(small[middle:], f"{prefix}1")
