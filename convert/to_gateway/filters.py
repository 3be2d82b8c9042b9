"""What a Mapping does with requests, as filters of a rule. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from convert.to_gateway.backends import Reached
from convert.to_gateway.matches import MAPPING_STAYS
from convert.values import At, Document, Notes, at, without_nothing
from convert.world import World
from translator import ir
from translator.decode import join, step
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.service_names import parse
from translator.emissary.settings import mapping_defaults
from translator.fields.header_edits import edits_of
from translator.fields.linkerd import linkerd_header, with_linkerd
from translator.ir import ObjectKey

_ADDED: Final = {"request": "spec.add_request_headers", "response": "spec.add_response_headers"}
_REMOVED: Final = {"request": "spec.remove_request_headers", "response": "spec.remove_response_headers"}


@dataclass(frozen=True, slots=True)
class Member:
    """A Mapping of a group, with what is found of it."""

    key: ObjectKey
    spec: MappingSpec
    reached: Reached | None


def header_filters(world: World, members: Iterable[Member]) -> list[At]:
    """What is added to requests and answers, and taken from them: of all members together, as always."""
    every = list(members)
    edits, first = edits_of([each.spec for each in every], mapping_defaults(world.module)), every[0]
    said = first.spec.add_linkerd_headers
    if (world.module.add_linkerd_headers if said is None else said) and first.reached is not None:
        edits = with_linkerd(edits, linkerd_header(first.reached.host, first.reached.port))
    found = []
    for side, values, removed in (
        ("request", list(edits.add_request), edits.remove_request),
        ("response", list(edits.add_response), edits.remove_response),
    ):
        modifier = _modifier(world.notes, every, side, values, removed)
        if modifier:
            name = f"{side}HeaderModifier"
            found.append(At({"type": f"{side.capitalize()}HeaderModifier", name: modifier}, ()))
    return found


def _modifier(
    notes: Notes, members: list[Member], side: str, values: list[ir.HeaderValue], removed: tuple[str, ...]
) -> Document:
    lists: dict[str, list[At]] = {"set": [], "add": []}
    for value in values:
        paths = [(each.key, join(_ADDED[side], step(value.name))) for each in members]
        if "%" in value.value.replace("%%", ""):
            said = f"{value.value} is filled in by Envoy, and a filter of a route adds the text as it is"
            notes.lost(*paths[0], said, "say it in the service, or keep the Mapping")
            continue
        text = value.value.replace("%%", "%")
        lists["add" if value.append else "set"].append(At({"name": value.name, "value": text}, tuple(paths)))
    gone = [At(name, ()) for name in removed]
    kept = without_nothing({**lists, "remove": gone})
    return {
        name: At(value, tuple([(each.key, (_REMOVED if name == "remove" else _ADDED)[side]) for each in members]))
        for name, value in kept.items()
    }


def rewrite_filter(notes: Notes, member: Member) -> At | None:
    """What becomes of the path and of the Host."""
    spec, key = member.spec, member.key
    said: Document = {}
    host = spec.host_rewrite
    if host is None and spec.auto_host_rewrite and member.reached is not None:
        host = member.reached.host
    if host is not None:
        if host != host.lower() or ":" in host:
            text = f"{host} is no hostname that a filter writes: in lower case, and without a port"
            notes.lost(key, "spec.host_rewrite", text, "write it so")
        else:
            said["hostname"] = at(host, key, "spec.host_rewrite", "spec.auto_host_rewrite")
    path = _rewritten(notes, member)
    if path is not None:
        said["path"] = at(path, key, "spec.rewrite")
    return At({"type": "URLRewrite", "urlRewrite": said}, ()) if said else None


def _rewritten(notes: Notes, member: Member) -> Document | None:
    spec, key = member.spec, member.key
    own, prefix = spec.rewrite, spec.prefix
    if not own or spec.regex_rewrite is not None or own == prefix:
        return None
    if spec.prefix_regex or spec.prefix_exact:
        return {"type": "ReplaceFullPath", "replaceFullPath": own}
    bare = prefix.rstrip("/")
    if bool(bare) == (prefix != "/") and prefix.endswith("/") and not own.endswith("/"):
        text = f"{prefix}x becomes {own}/x, and not {own}x"
        notes.otherwise(key, "spec.rewrite", text, "nothing, unless the service wants it so")
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": own}


def redirect_filter(notes: Notes, member: Member, scheme: str) -> At | None:
    """Where clients are sent that come by a scheme; None where it cannot be said.

    Without one a filter keeps the listener's port, which may be another than clients see.
    """
    spec, key = member.spec, member.key
    target = parse(spec.service)
    if ":" in target.host or target.host != target.host.lower():
        said = f"{target.host} is no hostname that a filter writes{MAPPING_STAYS}"
        notes.lost(key, "spec.service", said, "name the host in lower case")
        return None
    path: Document | None = None
    if spec.path_redirect is not None:
        path = {"type": "ReplaceFullPath", "replaceFullPath": spec.path_redirect}
    elif spec.prefix_redirect is not None and (spec.prefix_exact or spec.prefix_regex):
        path = {"type": "ReplaceFullPath", "replaceFullPath": spec.prefix_redirect}
    elif spec.prefix_redirect is not None:
        path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": spec.prefix_redirect}
    said_: dict[str, Any] = {
        "scheme": target.scheme or scheme,
        "hostname": at(target.host, key, "spec.service"),
        "port": target.port,
        "path": at(path, key, "spec.path_redirect", "spec.prefix_redirect") if path else None,
        "statusCode": at(int(spec.redirect_response_code), key, "spec.redirect_response_code"),
    }
    return At({"type": "RequestRedirect", "requestRedirect": at(without_nothing(said_), key, "spec.host_redirect")}, ())
