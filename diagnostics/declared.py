"""The objects of Emissary's kinds as people declared them, read when somebody asks; also those in annotations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from diagnostics.rows import NOT_SERVED, kind_of
from diagnostics.view import View

GROUP: Final = "getambassador.io/"
_DEFAULT: Final = "default"
_EVERYONE: Final = "_automatic_"
_CARRIED: Final = b'"carried"'
_DEMANDS: Final = (
    "prefix",
    "prefix_regex",
    "prefix_exact",
    "method",
    "method_regex",
    "headers",
    "regex_headers",
    "query_parameters",
    "regex_query_parameters",
    "precedence",
    "host_regex",
)
"""What a Mapping asks of a request, but for the host, which has two spellings."""


@dataclass(frozen=True, slots=True)
class Declared:
    """An object; `source` is the file and document that it is from, or the object that carries it, or None."""

    key: str
    spec: dict[str, Any]
    source: str | None
    state: str
    problems: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Its kind."""
        return kind_of(self.key)

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.key.split("/")[2]

    @property
    def name(self) -> str:
        """Its name."""
        return self.key.split("/")[3]

    @property
    def in_force(self) -> bool:
        """Whether it is served."""
        return self.state not in NOT_SERVED

    @property
    def host(self) -> str | None:
        """The host that a Mapping or TCPMapping asks for."""
        host = self.spec.get("hostname") or self.spec.get("host")
        return str(host).lower() if host else None

    @property
    def group_id(self) -> str:
        """Equal for Mappings that ask the same of a request."""
        asked = [self.kind, self.host, *(self.spec.get(name) or None for name in _DEMANDS)]
        if self.kind == "TCPMapping":
            asked += [self.spec.get("port"), self.spec.get("address")]
        encoded = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
        return blake2b(encoded, digest_size=8).hexdigest()


def declared(view: View, ambassador_id: str) -> list[Declared]:
    """The objects that are for this gateway, by kind, namespace and name."""
    found = [
        _declared(view, key, spec, source)
        for key, spec, source in _specs(view)
        if _is_for(spec.get("ambassador_id", spec.get("ambassadorId")), ambassador_id)
    ]
    return sorted(found, key=lambda each: each.key)


def _specs(view: View) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    carried: dict[str, tuple[str, dict[str, Any], str | None]] = {}
    for key, record in view.objects.bodies().items():
        if key.startswith(GROUP):
            yield key, _spec_of(orjson.loads(record.body)), view.objects.rows.get(key) or None
        elif _CARRIED in record.body:
            for child, body in _carried(orjson.loads(record.body).get("carried")):
                carried.setdefault(child, (child, _spec_of(body), key))
    yield from (each for child, each in carried.items() if child not in view.objects.rows)


def _carried(documents: Any) -> Iterator[tuple[str, Any]]:
    for document in documents if isinstance(documents, list) else ():
        if isinstance(document, dict) and str(document.get("key", "")).startswith(GROUP):
            yield document["key"], document.get("object")


def _spec_of(body: Any) -> dict[str, Any]:
    spec = body.get("spec") if isinstance(body, dict) else None
    return spec if isinstance(spec, dict) else {}


def _is_for(said: Any, ambassador_id: str) -> bool:
    if said is None:
        return ambassador_id == _DEFAULT
    ids: Iterable[Any] = [said] if isinstance(said, str) else said if isinstance(said, list) else ()
    return ambassador_id in ids or list(ids) == [_EVERYONE]


def _declared(view: View, key: str, spec: dict[str, Any], source: str | None) -> Declared:
    status = view.statuses.rows.get(key)
    if status is None:
        return Declared(key, spec, source, "pending", ())
    said = tuple(f"{each['path']}: {each['message']}" if each["path"] else each["message"] for each in status.problems)
    return Declared(key, spec, source, status.state, said)
