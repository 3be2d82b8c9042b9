"""Which names a Host claims, read apart from everything else that it says, so that no mistake makes the claim vanish.

A Host that its own mistake stops answers nothing, and its names are shut: a Host with a wider name may ask less of
clients, so it must not answer in its place. Therefore the names are read from the object as it was written, whatever
is wrong with the rest of it, or with the hostname itself; and whoever has a name and is not served is stopped, for
whatever reason.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

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

MOST_NAMES: Final = 16
"""So many names are looked for in what is no hostname."""
LONGEST_TEXT: Final = 2_000

_BETWEEN_WORDS: Final = re.compile(r"""[\s,;/\\'"<>()|@?#&=]+""")
_BARE: Final = re.compile(r"[\w*.%\[](?:.*[\w*.\]])?")
"""A word without what is round it, as in `{{foo.com}}`."""
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
    """The hostnames in what may be none: a text with something round it, a list, a number. Checked, none twice."""
    texts = written if isinstance(written, list) else [written]
    words = [word for text in texts[:MOST_NAMES] for word in _words(text)]
    named = [name for name in words if "." in name or "*" in name] or words
    return tuple(dict.fromkeys(named))[:MOST_NAMES]


def _words(text: object) -> Iterable[str]:
    if isinstance(text, int | float) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        return
    if not text:
        yield "*"
    whole = _checked(text)
    if whole is not None:
        yield whole
        return
    for word in _BETWEEN_WORDS.split(text[:LONGEST_TEXT]):
        bare = _BARE.search(word)
        found = (_checked(bare[0]) or _checked(_without_oddities(bare[0]))) if bare else None
        if found is not None:
            yield found


def _without_oddities(word: str) -> str:
    """A name in letters that DNS knows, with `*` for what is before a leading dot, and without what is no port."""
    if not word.isascii():
        try:
            word = word.encode("idna").decode()
        except UnicodeError:
            return ""
    address, bracket, _ = word.partition("]")
    plain = address + bracket if bracket else word.partition(":")[0]
    return f"*{plain}" if plain.startswith(".") else plain


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
