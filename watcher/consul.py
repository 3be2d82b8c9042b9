"""A service of Consul's as a state machine: what to ask, and what an answer means. No input or output.

Consul answers a question that names an index when there is something newer, or after a while. The rules are Consul's
("Blocking Queries"): an index that went back is forgotten, and one is never below 1. Healthy instances count alone, and
one without an address of its own is at its node's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from string import Template
from typing import Any, Final
from urllib.parse import quote

import orjson

from snapshot import Record
from watcher.outage import Random, pause

WAIT: Final = 60
"""Seconds that Consul may wait for news; it adds up to a sixteenth."""

REST: Final = 0.2
"""Seconds between two questions about a service, whose instances often change together."""

TROUBLED: Final = 3
"""Failures in a row after which it is told, where something is known; else the first is."""

DEFAULT_ADDRESS: Final = "127.0.0.1:8500"
DEFAULT_PORT: Final = 8500
MOST_INSTANCES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Service:
    """What is asked for, as the translator wants it."""

    address: str
    datacenter: str
    service: str


def service_of(record: Record) -> Service:
    """The service that a record of `wanted` tells of."""
    said = orjson.loads(record.body)
    return Service(str(said["address"]), str(said["datacenter"]), str(said["service"]))


def base_url(address: str, default: str, environ: Mapping[str, str]) -> str:
    """Where a Consul is: `$NAME` is of the environment, and the port 8500 where neither it nor a scheme says one."""
    text = Template(address or default or DEFAULT_ADDRESS).safe_substitute(environ).rstrip("/")
    scheme, separator, host = text.rpartition("://")
    has_port = ":" in host.rpartition("]")[2]
    return f"{scheme or 'http'}://{host}{'' if has_port or separator else f':{DEFAULT_PORT}'}"


class Asking:
    """The state of one service. `known` is what an earlier process has published of it."""

    def __init__(self, service: Service, known: Record | None, random: Random) -> None:
        self.service = service
        self._random = random
        self._index = 0
        self._failures = 0
        self._endpoints: list[dict[str, Any]] = orjson.loads(known.body).get("endpoints", []) if known else []
        self._knows = known is not None
        self.told = ""
        """The trouble that is told at the moment."""

    @property
    def path(self) -> str:
        """What to ask for."""
        return f"/v1/health/service/{quote(self.service.service, safe='')}"

    @property
    def params(self) -> dict[str, str]:
        """How to ask for it."""
        asked = {"passing": "1", "dc": self.service.datacenter}
        return asked | ({"index": str(self._index), "wait": f"{WAIT}s"} if self._index else {})

    def answered(self, index: str | None, body: bytes) -> tuple[Record | None, float]:
        """An answer, with its index: what is known now, and after how many seconds to ask again."""
        try:
            endpoints = [_endpoint_of(each) for each in orjson.loads(body)[:MOST_INSTANCES]]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return self.failed(f"its answer cannot be read: {error}")
        said = int(index) if index and index.isascii() and index.isdigit() else 0
        self._index = 0 if said < self._index else max(said, 1)
        self._endpoints, self._knows, self._failures, self.told = endpoints, True, 0, ""
        return self._record(), REST

    def failed(self, reason: str) -> tuple[Record | None, float]:
        """No answer, or one that is none: what is to be told, if anything, and after how many seconds to ask again."""
        self._index = 0
        self._failures += 1
        rest = pause(self._failures, self._random)
        if self._failures < TROUBLED and self._knows:
            return None, rest
        self.told = f"Consul cannot be asked: {reason}" + ("; what it said last stays" if self._knows else "")
        return self._record(), rest

    def _record(self) -> Record:
        body = orjson.dumps(
            {
                "address": self.service.address,
                "datacenter": self.service.datacenter,
                "service": self.service.service,
                "endpoints": self._endpoints,
                "trouble": self.told,
            }
        )
        return Record(blake2b(body, digest_size=8).hexdigest(), body)


def _endpoint_of(entry: Any) -> dict[str, Any]:
    service = entry["Service"]
    return {"address": str(service.get("Address") or entry["Node"]["Address"]), "port": int(service["Port"])}
