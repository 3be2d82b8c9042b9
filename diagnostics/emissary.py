"""The report's keys that Emissary's diagnostics have, for people's scripts: see docs/diagnostics.md.

All is made when somebody asks, from the snapshot: nothing is kept for it, and a change costs nothing more. Values that
requests must bring (headers, query parameters) may be secrets, so only their names are told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from diagnostics.clusters import health
from diagnostics.declared import Declared
from diagnostics.picture import KINDS, Picture

_SERVICES: Final = {
    "AuthService": "auth_service",
    "RateLimitService": "service",
    "LogService": "service",
    "TracingService": "service",
}
_RESOLVERS: Final = ("KubernetesServiceResolver", "KubernetesEndpointResolver", "ConsulResolver")
_SECRETS: Final = ("secret", "ca_secret", "crl_secret")


def groups(picture: Picture) -> dict[str, Any]:
    """The groups of Mappings, by their ids."""
    return {group_id: _group(picture, group_id, members) for group_id, members in picture.groups.items()}


def _group(picture: Picture, group_id: str, members: list[Declared]) -> dict[str, Any]:
    first = members[0]
    said = _asked(first) if first.kind == "Mapping" else {"port": first.spec.get("port"), "host": first.host}
    return {
        "kind": KINDS[first.kind],
        "active": True,
        "group_id": group_id,
        "_source": first.source,
        **said,
        "mappings": [_member(picture, member) for member in members],
    }


def _asked(mapping: Declared) -> dict[str, Any]:
    spec = mapping.spec
    return {
        "prefix": spec.get("prefix"),
        "host": mapping.host,
        "method": spec.get("method"),
        "headers": _names(spec, "headers"),
        "query_parameters": _names(spec, "query_parameters"),
        "precedence": spec.get("precedence", 0),
    }


def _names(spec: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    plain, regex = spec.get(field), spec.get(f"regex_{field}")
    return [
        {"name": name, "regex": is_regex}
        for said, is_regex in ((plain, False), (regex, True))
        if isinstance(said, dict)
        for name in said
    ]


def _member(picture: Picture, member: Declared) -> dict[str, Any]:
    return {
        "key": member.key,
        "name": member.name,
        "namespace": member.namespace,
        "_source": member.source,
        "service": member.spec.get("service"),
        "weight": member.spec.get("weight"),
        "shadow": bool(member.spec.get("shadow", False)),
        "clusters": picture.clusters_for(member),
    }


def route_info(picture: Picture) -> list[dict[str, Any]]:
    """The routes of Mappings, a group each, with the clusters that serve it."""
    return [
        {
            "key": _url(members[0]),
            "_group_id": group_id,
            "_source": members[0].source,
            **_asked(members[0]),
            "rewrite": members[0].spec.get("rewrite", "/"),
            "redirect": bool(members[0].spec.get("host_redirect", False)),
            "clusters": [_served(picture, member, name) for member in members for name in picture.clusters_for(member)],
        }
        for group_id, members in picture.groups.items()
        if members[0].kind == "Mapping"
    ]


def _url(mapping: Declared) -> str:
    return f"{mapping.host or '*'}{mapping.spec.get('prefix', '')}"


def _served(picture: Picture, member: Declared, cluster: str) -> dict[str, Any]:
    return {
        "name": cluster,
        "service": member.spec.get("service"),
        "weight": member.spec.get("weight"),
        "shadow": bool(member.spec.get("shadow", False)),
        "mapping": member.key,
        "_health": health(picture, picture.clusters.get(cluster)),
    }


def ambassador_services(picture: Picture) -> list[dict[str, Any]]:
    """The services that the gateway itself asks."""
    return [
        {
            "type": each.kind,
            "name": each.name,
            "namespace": each.namespace,
            "_source": each.source,
            "service": each.spec.get(_SERVICES[each.kind]),
            "active": each.in_force,
        }
        for each in picture.objects
        if each.kind in _SERVICES
    ]


def ambassador_resolvers(picture: Picture) -> list[dict[str, Any]]:
    """The resolvers, and the groups of Mappings that name each."""
    named: dict[Any, list[str]] = defaultdict(list)
    for group_id, members in picture.groups.items():
        for resolver in {str(member.spec.get("resolver")) for member in members}:
            named[resolver].append(group_id)
    return [
        {"kind": each.kind, "name": each.name, "_source": each.source, "groups": named[each.name]}
        for each in picture.objects
        if each.kind in _RESOLVERS
    ]


def ambassador_elements(picture: Picture) -> dict[str, Any]:
    """The objects by key, with what became of each."""
    return {
        each.key: {
            "key": each.key,
            "kind": each.kind,
            "name": each.name,
            "namespace": each.namespace,
            "location": each.source or each.key,
            "state": each.state,
            "errors": list(each.problems),
        }
        for each in picture.objects
    }


def envoy_elements(picture: Picture) -> dict[str, Any]:
    """By the key of an object, the names of Envoy's resources that it gave, by their type."""
    published = picture.view.resources.rows
    found: dict[str, dict[str, list[str]]] = {}
    for each in picture.objects:
        given = found.setdefault(each.key, {})
        for kind, name in _given(picture, each, published):
            given.setdefault(kind, []).append(name)
    return {key: given for key, given in found.items() if given}


def _given(picture: Picture, each: Declared, published: Iterable[str]) -> Iterator[tuple[str, str]]:
    match each.kind:
        case "Mapping":
            name = f"{each.namespace}/{each.name}"
            if name in picture.routes:
                yield "route", name
            yield from (("cluster", cluster) for cluster in picture.clusters_for(each))
        case "Listener":
            name = f"{each.namespace}/{each.name}"
            if f"listener/{name}" in published:
                yield "listener", name


def tlscontexts(picture: Picture) -> list[dict[str, Any]]:
    """The TLSContexts, and the Secrets that they name."""
    return [
        {
            "name": each.name,
            "namespace": each.namespace,
            "_source": each.source,
            "active": each.in_force,
            "hosts": each.spec.get("hosts", []),
            "secret_info": {field: each.spec[field] for field in _SECRETS if each.spec.get(field)},
        }
        for each in picture.objects
        if each.kind == "TLSContext"
    ]


def source_map(picture: Picture) -> dict[str, dict[str, bool]]:
    """By where objects are from, the objects that are from there."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for each in picture.objects:
        found[each.source or each.key][each.key] = True
    return found
