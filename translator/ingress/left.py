"""What is left of an Ingress that its own mistake stops: its hosts and paths, where nobody else answers for it. Pure.

Else requests for a host would go to an Ingress for all below a star, or for every host, which may ask less of clients.
What cannot be read of a path is all of its host.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from translator.decode import decode
from translator.discerning import discerned
from translator.ingress.kinds import Backend, Http, IngressRule, Path, Spec, Tls
from translator.ingress.paths import EVERY, wrong_host

T = TypeVar("T")

_ALL = Path(path="/", type="Prefix", backend=Backend())


def hosts_in(written: object) -> tuple[str, ...]:
    """The hosts in what may be none."""
    return discerned(written, _host, EVERY)


def spec_left(document: Mapping[str, Any]) -> Spec | None:
    """What can be read of a spec; None: nothing."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return None
    rules = tuple([rule for each in _listed(spec.get("rules")) for rule in _rules_in(each)])
    tls = tuple([each for each in map(_tls_in, _listed(spec.get("tls"))) if each is not None])
    return Spec(rules=rules, tls=tls, default_backend=Backend() if spec.get("defaultBackend") is not None else None)


def _host(text: str) -> str | None:
    name = text.lower().removesuffix(".")
    return name if name and wrong_host(name) is None else None


def _listed(given: object) -> list[Any]:
    return given if isinstance(given, list) else [given] if isinstance(given, dict) else []


def _rules_in(given: object) -> Iterator[IngressRule]:
    if not isinstance(given, dict):
        return
    http = given.get("http")
    paths = _listed(http.get("paths")) if isinstance(http, dict) else []
    read = Http(paths=tuple([_path_in(each) for each in paths]) or (_ALL,))
    written = given.get("host")
    for host in (EVERY,) if written is None else hosts_in(written):
        yield IngressRule(host=host, http=read)


def _path_in(given: object) -> Path:
    return _read(Path, given) or _ALL


def _tls_in(given: object) -> Tls | None:
    if not isinstance(given, dict):
        return None
    hosts, secret = given.get("hosts"), given.get("secretName")
    every = hosts if isinstance(hosts, list) else [hosts]
    names = dict.fromkeys(name for each in every for name in hosts_in(each) if name)
    return Tls(hosts=tuple(names), secret_name=secret if isinstance(secret, str) and secret else None)


def _read(kind: type[T], given: object) -> T | None:
    found = decode(kind, given)
    return None if any(each.stops for each in found.problems) else found.value
