"""Objects that nobody reads: of a kind that there is not, of a version that there is not, or for another gateway. Pure.

In a cluster the API server refuses what it does not know, and what is another gateway's is that one's affair. In a
folder nobody else looks: a slip of the pen in `kind`, or an `ambassador_id`, would be a 404 without a reason.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final

import orjson

from conversion.names import ONLY_CURRENT
from translator.ambassador_ids import named_ids
from translator.decode import Problem, nearest
from translator.ir import ObjectKey

_EMISSARY: Final = "getambassador.io"
_GATEWAY: Final = "gateway.networking.k8s.io"
_INGRESS: Final = "networking.k8s.io"

_OTHERS: Final[Mapping[str, str]] = {
    _EMISSARY: "DevPortal Filter FilterPolicy Project ProjectController RateLimit",
    _GATEWAY: "",
    _INGRESS: "IPAddress NetworkPolicy ServiceCIDR",
    "core": """
        Binding ComponentStatus Endpoints Event LimitRange Node PersistentVolume PersistentVolumeClaim Pod PodTemplate
        ReplicationController ResourceQuota ServiceAccount
    """,
    "discovery.k8s.io": "",
}
"""Kinds of the groups of which something is read that are no slips of the pen, and are not served."""

_WHOLLY: Final = frozenset({_EMISSARY, _GATEWAY})
"""Groups that are for gateways alone: of them everything is told that is not read."""

_VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    _GATEWAY: ("v1", "v1beta1", "v1alpha3", "v1alpha2"),
    _INGRESS: ("v1", "v1beta1"),
    "extensions": ("v1beta1",),
}
"""The versions of a group that are read, the present one first; of Emissary's the conversion knows them."""

_FEW: Final = 5
"""Names that are told where none is like the one that is not there."""

MOST: Final = 200
"""Names among which is looked for the one that was meant."""


def unknown_kind(key: ObjectKey, served: Collection[str], *, in_cluster: bool) -> Problem | None:
    """That an object is of a kind that nobody reads; None: there is nothing to be said of it.

    Args:
        key: the object's.
        served: the kinds that are read, as `<group>/<Kind>`.
        in_cluster: whether the API server has looked at it.
    """
    group, kind, _ = key.split("/", 2)
    if group not in _OTHERS or (in_cluster and group != _EMISSARY):
        return None
    known = kind in _OTHERS[group].split()
    meant = (
        None if known else nearest(kind, (each.partition("/")[2] for each in served if each.startswith(f"{group}/")))
    )
    if group not in _WHOLLY and meant is None:
        return None
    said = f"{kind} is not served by this version{did_you_mean(meant if meant != kind else None)}"
    return Problem("kind", said, reason="NotServed")


def wrong_version(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """That an object is of a version of its group that nobody reads."""
    group, _, version = str(document.get("apiVersion", "")).rpartition("/")
    known = _VERSIONS.get(group, ())
    if not known or version in known:
        return ()
    said = f"must be {group}/{known[0]}: there is no version {version}, only {', '.join(known)}"
    return (Problem("apiVersion", said, reason="NotServed"),)


def for_another(body: bytes, ambassador_id: str) -> Problem | None:
    """That an object of ours names other gateways than this one; which is well, unless it is not meant."""
    ids = named_ids(orjson.loads(body).get("spec"))
    if ids is not None and any(each.startswith(ONLY_CURRENT) for each in ids):
        return None  # as an older version has the ids of the present one, which are read after a conversion
    return left_out("spec.ambassador_id", ids, ambassador_id)


def left_out(path: str, ids: Collection[str] | None, ambassador_id: str) -> Problem:
    """The same of an object that names these gateways, or none at all."""
    whose = f"names {', '.join(sorted(ids)) or 'nobody'}" if ids is not None else "is absent, which means default"
    said = f"{whose}, so that this gateway leaves the object out: its AMBASSADOR_ID is {ambassador_id}"
    return Problem(path, said, stops=False, reason="NotAttached", sort="Others", notice=True)


def like(name: str, names: Iterable[str]) -> str:
    """A question after the name that somebody may have meant; empty where none is like it."""
    return did_you_mean(nearest(name, islice(names, MOST)))


def there_is(names: Collection[str]) -> str:
    """Which names there are, where they are few; else empty."""
    return f": there is {', '.join(sorted(names))}" if 0 < len(names) <= _FEW else ""


def did_you_mean(meant: str | None) -> str:
    """The end of a sentence about a name that is not there."""
    return f"; did you mean {meant}?" if meant else ""
