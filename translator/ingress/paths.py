"""What Ingresses ask for by Kubernetes' rules: hosts and paths, whose each of them is, and how they are compared. Pure.

Of one host all paths of all Ingresses compete: an exact path comes first, then the longest. The same path of two
Ingresses is the older one's.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from translator import ir
from translator.checks import LARGEST_REGEX, regex
from translator.decode import Invalid
from translator.expressions import fixed_beginning
from translator.ingress.kinds import Backend, Ingress
from translator.values import dataclass

EVERY: Final = ""
"""The host of rules that name none."""

_KINDS: Final[dict[str, Literal["exact", "prefix", "text"]]] = {
    "Exact": "exact",
    "Prefix": "prefix",
    "ImplementationSpecific": "text",
}
_RULE: Final = re.compile(r"spec\.rules\[(\d+)\]")
_LABEL: Final = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z)(\*\.)?{_LABEL}(\.{_LABEL})*")


class Place(NamedTuple):
    """What can be one Ingress's alone: a path of a host. `rest` is all of a host that no path wants."""

    host: str
    kind: Literal["exact", "prefix", "text", "rest"]
    text: str

    @property
    def called(self) -> str:
        """Its name for people."""
        host = self.host or "every host"
        return f"what no path of {host} wants" if self.kind == "rest" else f"{self.text} of {host}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A path of an Ingress. `number` is its place among all of the Ingress, `where` the same for people.

    `is_shut`: nobody is let in there, since the host is no host and this one is what can be read in it.
    """

    place: Place
    text: str
    number: int
    where: str
    backend: Backend
    is_shut: bool = False


def asked_by(ingress: Ingress, aliases: tuple[str, ...] = ()) -> Iterator[Asked]:
    """All that an Ingress asks for; its named hosts answer to the aliases as well."""
    spec, number = ingress.spec, 0
    if spec is None:
        return
    hosts: dict[str, bool] = {}
    for rule_number, rule in enumerate(spec.rules):
        host = (rule.host or EVERY).lower()
        names = (host, *aliases) if host != EVERY else (host,)
        hosts.update(dict.fromkeys(names, True))
        for place, path in enumerate(rule.http.paths):
            text = path.path or "/"
            where = f"spec.rules[{rule_number}].http.paths[{place}]"
            for name in names:
                yield Asked(place_of(name, path.type, text), text, number, where, path.backend)
                number += 1
    if spec.default_backend is not None:
        for host in (*(name for name in hosts if name != EVERY), EVERY):
            yield Asked(Place(host, "rest", "/"), "/", number, "spec.defaultBackend", spec.default_backend)
            number += 1


def hosts_from(ingress: Ingress, aliases: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The hosts of which an Ingress asks for something from the path at `where` on; each once.

    Every host is among them only where there is a default backend: without one nobody has asked for all of it.
    """
    spec = ingress.spec
    if spec is None:
        return ()
    found = _RULE.match(where)
    first = int(found[1]) if found is not None else 0
    named = [(rule.host or EVERY).lower() for rule in (*spec.rules[first:], *spec.rules[:first])]
    if spec.default_backend is None:
        named = named[: len(spec.rules) - first]
    hosts = [host for host in named if host != EVERY]
    every = [EVERY] if spec.default_backend is not None else []
    return tuple(dict.fromkeys([*every, *(aliases if hosts else ()), *hosts]))


def place_of(host: str, kind: str, text: str) -> Place:
    """The place of a path; a slash at the end of a prefix says nothing."""
    found = _KINDS[kind]
    return Place(host, found, (text.rstrip("/") or "/") if found == "prefix" else text)


def path_match(asked: Asked, *, as_regex: bool) -> ir.PathMatch:
    """How a path is compared.

    Args:
        asked: what an Ingress asks for.
        as_regex: whether it is a regular expression, of which a path of any case begins with a match, as nginx does it.

    Raises:
        Invalid: where it cannot be one.
    """
    place = asked.place
    if place.kind == "rest":
        return ir.PathMatch("prefix", "/")
    if as_regex:
        regex(asked.text, LARGEST_REGEX)  # by itself, so that nothing in it ends the group around it
        return ir.PathMatch("regex", regex(f"(?i:{asked.text}).*", LARGEST_REGEX))
    if place.kind == "exact":
        return ir.PathMatch("exact", place.text)
    return ir.PathMatch("segments" if place.kind == "prefix" else "prefix", place.text)


def wrong_regex_match(asked: Asked) -> ir.PathMatch:
    """What may have been meant by an expression that cannot be one: all that begins as it does."""
    return ir.PathMatch("prefix", fixed_beginning(asked.text) or "/", case_sensitive=False)


def order(asked: Asked, age: tuple[str, str, str], variant: int, *, as_regex: bool) -> tuple[Any, ...]:
    """Where a route stands among all of its host; `variant` tells routes of one path apart.

    An expression counts for as much as all that it matches begins with: else a long one that matches everything would
    take the paths of all other Ingresses of the host.
    """
    place = asked.place
    if place.kind == "rest":
        return (2, 0, 0, place.kind, *age, 0, asked.number, variant)
    if as_regex:
        return (1, -len(fixed_beginning(asked.text)), 1, "", *age, -len(asked.text), asked.number, variant)
    rank = 0 if place.kind == "exact" else 1
    return (rank, -len(place.text), 0, place.kind, *age, 0, asked.number, variant)


def host_match(host: str) -> tuple[ir.HeaderMatch, ...]:
    """What a request's host must be beyond what its virtual host says: a star is one label, and Envoy's is many."""
    if not host.startswith("*."):
        return ()
    return (ir.HeaderMatch(":authority", ir.TextMatch("regex", rf"[^.:]+(?i:{re.escape(host[1:])})\.?(:[0-9]+)?")),)


def wrong_host(host: str) -> str | None:
    """What is wrong with a host; None: nothing."""
    if host == EVERY or _HOST.fullmatch(host):
        return None
    return "must be a hostname, or one with *. before it"


def wrong_path(text: str, *, as_regex: bool) -> str | None:
    """What is wrong with a path; None: nothing."""
    if not text.startswith("/"):
        return "must begin with a /"
    if not text.isprintable() or (not as_regex and ("?" in text or "#" in text)):
        return "must be a path, without ?, # and characters that cannot be printed"
    return None


def regex_problem(asked: Asked) -> str | None:
    """Why a path is no regular expression that Envoy could take; None: it is one."""
    try:
        path_match(asked, as_regex=True)
    except Invalid as invalid:
        return invalid.message
    return None
