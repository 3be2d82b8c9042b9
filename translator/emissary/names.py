"""Which names a Host claims, read apart from everything else that it says, so that no mistake makes the claim vanish.

A Host that its own mistake stops answers nothing, and its names are shut: a Host with a wider name may ask less of
clients, so it must not answer in its place. Therefore the names are read from the object as it was written, whatever
is wrong with the rest of it, or with the hostname itself; and whoever has a name and is not served is stopped, for
whatever reason.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from translator import discerning
from translator.ambassador_ids import is_for
from translator.decode import FrozenMap, Invalid, Problem, join, show, step
from translator.emissary.hostnames import host_hostname
from translator.emissary.objects import HELD, SERVED_VERSION
from translator.ir import ObjectKey
from translator.kubernetes.selectors import Selector, may_select
from translator.kubernetes.tables import name_of
from translator.values import dataclass

AUTH: Final = "getambassador.io/AuthService"
HOST: Final = "getambassador.io/Host"
LISTENER: Final = "getambassador.io/Listener"
TLS_CONTEXT: Final = "getambassador.io/TLSContext"

_LEFT: Final = {
    HOST: ("hostname",),
    LISTENER: ("port", "protocol", "protocolStack"),
    TLS_CONTEXT: ("hosts",),
    AUTH: ("auth_service",),
}


@dataclass(frozen=True, slots=True)
class HostNames:
    """A Host by its names alone. `labels` is None where none can be read; a label's value, where that one cannot."""

    key: ObjectKey
    namespace: str
    name: str
    hostnames: tuple[str, ...]
    labels: Mapping[str, str | None] | None
    problems: tuple[Problem, ...] = ()

    @property
    def virtual_host(self) -> str:
        """The name of its virtual host."""
        return f"{self.namespace}/{self.name}"

    def may_have(self, selector: Selector) -> bool:
        """Whether a selector chooses it, or may, for all that is known of its labels."""
        return self.labels is None or may_select(selector, self.labels)


def read_names(key: ObjectKey, body: bytes, ambassador_id: str) -> HostNames | None:
    """The names of a Host that is for us, whatever else is wrong with it."""
    document: dict[str, Any] = orjson.loads(body)
    spec = document.get("spec")
    if isinstance(spec, dict) and not is_for(spec, ambassador_id):
        return None
    labels, problems = _labels_of(document.get("metadata"))
    if spec is None or isinstance(spec, dict):
        written = (spec or {}).get("hostname")
        hostnames = ("*",) if written is None else discerned(written)
        problems += _of_hostname(written, hostnames)
    else:
        hostnames = ()
        problems.append(_unknown("spec"))
    return HostNames(key, *name_of(key), hostnames, labels, tuple(problems))


def _of_hostname(written: object, hostnames: tuple[str, ...]) -> list[Problem]:
    """What is told besides that a hostname is wrong: in whose place nobody answers."""
    if not hostnames:
        return [_unknown("spec.hostname")]
    if written is None or (isinstance(written, str) and written.lower() == hostnames[0]):
        return []
    said = f"is taken for {', '.join(hostnames)} as long as it is wrong: nobody answers there"
    return [Problem("spec.hostname", said, stops=False)]


def _unknown(path: str) -> Problem:
    said = "tells no name, so that none is shut: what was meant may be answered by Hosts with wider names"
    return Problem(path, said, stops=False)


def discerned(written: object) -> tuple[str, ...]:
    """The hostnames in what may be none."""
    return discerning.discerned(written, _checked)


def _checked(text: str) -> str | None:
    try:
        return host_hostname(text)
    except Invalid:
        return None


def _labels_of(metadata: object) -> tuple[Mapping[str, str | None] | None, list[Problem]]:
    written = metadata.get("labels") if isinstance(metadata, dict) else None
    if written is None:
        return FrozenMap[str | None](), []
    if not isinstance(written, dict):
        return None, [Problem("metadata.labels", f"must be a mapping, not {show(written)}")]
    labels = FrozenMap({name: value if isinstance(value, str) else None for name, value in written.items()})
    wrong = [name for name, value in labels.items() if value is None]
    return labels, [
        Problem(join("metadata.labels", step(name)), f"must be a string, not {show(written[name])}") for name in wrong
    ]


def listed_hosts(body: bytes) -> tuple[str, ...] | None:
    """The names that a TLSContext lists in its hosts, whatever is wrong with it."""
    spec = orjson.loads(body).get("spec")
    listed = spec.get("hosts") if isinstance(spec, dict) else None
    found = [name for each in (listed if isinstance(listed, list) else [listed]) for name in discerned(each)]
    return tuple(dict.fromkeys(found)) or None


def what_is_left(key: ObjectKey, body: bytes) -> bytes | None:
    """What is left of an object that is held back and has no good version: its names, which stay shut; None: nothing.

    Else a Host would be answered for by Hosts with wider names, a Host that finds its TLSContext by the name alone
    would be served without it, a Listener's port would be opened by a TCPMapping, and without its AuthService everybody
    would be let through.
    """
    kind = key.rsplit("/", 2)[0]
    fields = _LEFT.get(kind)
    if fields is None:
        return None
    document: dict[str, Any] = orjson.loads(body)
    spec = document.get("spec")
    kept = (*fields, "ambassador_id", "ambassadorId")
    names = {name: spec[name] for name in kept if name in spec} if isinstance(spec, dict) else spec
    left = {"apiVersion": SERVED_VERSION, "kind": document.get("kind"), "metadata": document.get("metadata")}
    return orjson.dumps({**left, "spec": names, HELD: True})
