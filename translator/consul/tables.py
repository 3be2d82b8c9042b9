"""The table of Consul's answers: from the bytes that the watcher keeps to the endpoints of each service."""

from collections.abc import Callable, Mapping
from dataclasses import field
from ipaddress import ip_address
from typing import Any, ClassVar

import orjson

from translator.decode import Problem, decode
from translator.ir import ConsulService, ObjectKey
from translator.tables import Table, Tables
from translator.values import dataclass

GROUP_KIND = "consul/Endpoints"


def key_of(service: ConsulService) -> ObjectKey:
    """The key under which Consul's answer about a service is kept."""
    return f"{GROUP_KIND}/{service.datacenter}/{service.service}@{service.address}"


def answer_of_assignment(name: str) -> ObjectKey | None:
    """The key of the answer that endpoints come from, by the name that Envoy knows them by: `translator.xds.names`."""
    kind, _, rest = name.partition("/")
    return None if kind != "consul" else f"{GROUP_KIND}/{rest if '@' in rest else f'{rest}@'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    OPEN: ClassVar[bool] = True

    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """As the watcher writes it."""

    OPEN: ClassVar[bool] = True

    address: str
    datacenter: str
    service: str
    endpoints: tuple[_Endpoint, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Consul said last of a service, and why it cannot be asked at the moment, if so."""

    service: ConsulService | None
    endpoints: tuple[tuple[str, int], ...] = ()
    trouble: str = ""
    problems: tuple[Problem, ...] = field(default=())
    closed: tuple[str, ...] = ()
    """Where instances would lead to a port of ours: nobody is led there."""


class ConsulTables:
    """Endpoints and troubles by service. `sources` is to be filled; `problems` what is wrong with answers, by key."""

    def __init__(self, tables: Tables, is_closed: Callable[[str, int], bool]) -> None:
        answers: Table[ObjectKey, bytes] = tables.source("consul answers")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {GROUP_KIND: answers}
        found = tables.each("consul answers read", answers, lambda _, body: answer_of(orjson.loads(body), is_closed))
        named = tables.group(
            "consul answers by service", found, lambda _, row: {row.service: row} if row.service else {}
        )
        self.endpoints: Table[ConsulService, tuple[tuple[str, int], ...]] = tables.each(
            "consul endpoints", named, lambda _, members: next(iter(members.values())).endpoints
        )
        self.troubles: Table[ConsulService, str] = tables.each(
            "consul troubles", named, lambda _, members: _trouble_of(next(iter(members.values())))
        )
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "consul problems", found, lambda _, row: row.problems or None
        )


def _trouble_of(answer: Answer) -> str:
    """What a user of the service should know; empty: nothing. There is no row where Consul has not answered yet."""
    if answer.closed and not answer.trouble:
        more = "" if len(answer.closed) == 1 else f" and {len(answer.closed) - 1} more"
        return f"its instance at {answer.closed[0]}{more} leads to Dragoman's diagnostics, and gets no requests"
    return answer.trouble or ("" if answer.endpoints else "Consul knows no healthy instance of it")


def answer_of(document: Mapping[str, Any], is_closed: Callable[[str, int], bool]) -> Answer:
    """Read an answer. Names are no addresses to Envoy, and nobody is led to a port of ours that is closed."""
    read = decode(_Answer, document, "")
    if read.value is None:
        return Answer(None, problems=read.problems)
    problems, usable, closed = [], set[tuple[str, int]](), set[str]()
    for index, each in enumerate(read.value.endpoints):
        if not _is_address(each.address) or not 0 < each.port < 65536:
            said = "is no IP address with a port, so that the instance gets no requests"
            problems.append(Problem(f"endpoints[{index}]", said, stops=False))
        elif is_closed(each.address, each.port):
            closed.add(f"{each.address}:{each.port}")
        else:
            usable.add((each.address, each.port))
    service = ConsulService(read.value.address, read.value.datacenter, read.value.service)
    return Answer(service, tuple(sorted(usable)), read.value.trouble, tuple(problems[:20]), tuple(sorted(closed)))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
