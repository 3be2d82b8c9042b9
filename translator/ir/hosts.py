"""The virtual hosts of a chain that may have very many, in buckets by a hash of their names.

A name that comes or goes is a change of one bucket; all others are the very same values as before, and who makes
something of each bucket makes it anew for that one alone. There is a most for buckets, so that going through them costs
the same however many names there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final, overload

from translator.ir.serving import VirtualHost
from translator.remembering import remembered, text_size

BITS: Final = 32
DEPTH: Final = 8
"""Bits that name a bucket: of 8,000 names there are some thirty in each."""


@remembered(text_size)
def bits_of(hostname: str) -> str:
    """The hash of a hostname, a letter for a bit."""
    return f"{int.from_bytes(blake2b(hostname.encode(), digest_size=BITS // 8).digest()):0{BITS}b}"


def bucket_of(hostname: str) -> str:
    """The bucket of a hostname, in the words of `VirtualHost.hostname`."""
    return bits_of(hostname)[:DEPTH]


def bucketed(hosts: Iterable[VirtualHost]) -> dict[str, tuple[VirtualHost, ...]]:
    """Virtual hosts by their buckets, in their order."""
    found: dict[str, list[VirtualHost]] = {}
    for host in hosts:
        found.setdefault(bucket_of(host.hostname), []).append(host)
    return {bucket: tuple(some) for bucket, some in found.items()}


class Hosts(Sequence[VirtualHost]):
    """Virtual hosts in the order of their hostnames, those without a name last; equal by their buckets."""

    __slots__ = ("_ordered", "buckets")

    def __init__(self, buckets: Mapping[str, tuple[VirtualHost, ...]]) -> None:
        self.buckets = buckets
        self._ordered: tuple[VirtualHost, ...] | None = None

    @classmethod
    def of(cls, hosts: Iterable[VirtualHost]) -> "Hosts":
        """Put virtual hosts into buckets."""
        return cls(bucketed(hosts))

    @property
    def ordered(self) -> tuple[VirtualHost, ...]:
        """All of them, those without a name together: for who needs all, which a change does not."""
        if self._ordered is None:
            found = [host for some in self.buckets.values() for host in some]
            named = [host for host in found if host.name]
            self._ordered = (*sorted(named, key=lambda host: host.hostname), *_joined(found))
        return self._ordered

    def __eq__(self, other: object) -> bool:
        return self.buckets == other.buckets if isinstance(other, Hosts) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.ordered)

    def __len__(self) -> int:
        return len(self.ordered)

    def __iter__(self) -> Iterator[VirtualHost]:
        return iter(self.ordered)

    @overload
    def __getitem__(self, place: int) -> VirtualHost: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[VirtualHost, ...]: ...

    def __getitem__(self, place: int | slice) -> VirtualHost | tuple[VirtualHost, ...]:
        return self.ordered[place]

    def __repr__(self) -> str:
        return f"Hosts.of({self.ordered!r})"


def _joined(hosts: Iterable[VirtualHost]) -> Iterator[VirtualHost]:
    """Those without a name, one for all that say the same: they are names that nobody is to serve."""
    alike: dict[VirtualHost, list[VirtualHost]] = {}
    for host in hosts:
        if not host.name:
            alike.setdefault(replace(host, hostname="", also=(), origins=()), []).append(host)
    for said, some in sorted(alike.items(), key=lambda each: min(host.hostname for host in each[1])):
        first, *also = sorted({domain for host in some for domain in (host.hostname, *host.also)})
        origins = sorted({origin for host in some for origin in host.origins})
        yield replace(said, hostname=first, also=tuple(also), origins=tuple(origins))
