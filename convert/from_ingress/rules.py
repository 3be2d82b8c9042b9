"""Rules of routes, of the paths of an Ingress. Pure."""

import re
from collections.abc import Iterator
from typing import Any, Final

from convert.from_ingress.reading import Given
from convert.values import At, Document, Notes, at, without_nothing
from convert.world import World
from translator import ir
from translator.ingress.kinds import Backend
from translator.ingress.paths import Asked
from translator.kubernetes.service import Service, service_of

_IDIOM: Final = re.compile(r"(?P<prefix>/[-A-Za-z0-9/_.~]*?)(?:\(/\|\$\)\(\.\*\)|/\?\(\.\*\)|/\(\.\*\))")
"""A prefix as ingress-nginx's users write one whose rest is kept: `/api(/|$)(.*)`, `/api/?(.*)`, `/api/(.*)`."""
_REFERENCE: Final = re.compile(r"\\[0-9]")
_LAST_GROUP: Final = re.compile(r"(?P<begin>/[^\\]*)\\(?P<group>[12])|\\(?P<bare>[12])")


def references(world: World, given: Given, backend: Backend, path: str) -> list[Document] | None:
    """The Service of a path; None where there is none that a route can name."""
    namespace = given.key.split("/")[2]
    if backend.service is None:
        world.notes.lost(given.key, path, "is no Service, and was not served", "name a Service")
        return None
    name, port = backend.service.name, backend.service.port
    number = port.number
    if number is None:
        key = f"core/Service/{namespace}/{name}"
        found = service_of(namespace, name, world.document(key)) if key in world.bodies else None
        named = found.port(port.name or "") if isinstance(found, Service) else None
        if named is None:
            said = f"names the port {port.name} of the Service {name}, whose number these objects do not tell"
            world.notes.lost(given.key, path, said, "add the Service to the files, or write the number")
            return None
        number = named.number
    return [{"name": at(name, given.key, f"{path}.service.name"), "port": number}]


def match_of(notes: Notes, given: Given, asked: Asked) -> tuple[Document, bool] | None:
    """How a path is asked for, and whether it is a prefix; None where that cannot be said."""
    where = f"{asked.where}.path"
    if asked.place.kind == "rest":
        return {"type": "PathPrefix", "value": "/"}, True
    if given.treatment.as_regex:
        idiom = _IDIOM.fullmatch(asked.text)
        if idiom is not None and idiom["prefix"]:
            bare = idiom["prefix"].rstrip("/")
            said = f"is asked for in any case, and {bare} itself is rewritten to a path with a slash behind it"
            notes.otherwise(given.key, where, f"{asked.text} {said}, as a PathPrefix is not", "nothing", bare)
            return {"type": "PathPrefix", "value": idiom["prefix"].rstrip("/") or "/"}, True
        return {"type": "RegularExpression", "value": f"(?i:{asked.text}).*"}, False
    if asked.place.kind == "exact":
        return {"type": "Exact", "value": asked.text}, False
    bare = asked.text.rstrip("/")
    if asked.place.kind == "text" and bare:
        said = f"of ImplementationSpecific whatever begins so is asked for: {bare}x, and a PathPrefix ends at a slash"
        notes.otherwise(given.key, where, said, "nothing, or write further routes", bare)
    return {"type": "PathPrefix", "value": asked.text}, True


def rewrite_of(given: Given, asked: Asked, *, is_prefix: bool) -> Document | str | None:
    """What becomes of a path; a text where that cannot be said."""
    target = given.treatment.rewrite
    if target is None:
        return None
    if asked.place.kind == "rest":
        target = _REFERENCE.sub("", target) or "/"
    if "\\" not in target:
        return {"type": "ReplaceFullPath", "replaceFullPath": target}
    idiom, last = _IDIOM.fullmatch(asked.text), _LAST_GROUP.fullmatch(target)
    groups = re.compile(asked.text).groups if idiom else 0
    if idiom is None or last is None or not is_prefix or int(last["group"] or last["bare"]) != groups:
        return "has groups of an expression, and a route rewrites a prefix or the whole path"
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": last["begin"] or "/"}


def filters_of(notes: Notes, given: Given, path: Document | None) -> list[At | Document]:
    """What is done with the requests of a path."""
    treatment, key = given.treatment, given.key
    found: list[At | Document] = []
    added = [
        {"name": each.name, "value": each.value.replace("%%", "%")}
        for each in treatment.headers.add_request
        if "%" not in each.value.replace("%%", "")
    ]
    if added:
        found.append(
            at(
                {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": added}},
                key,
                given.path_of("headers"),
            )
        )
    if treatment.headers.add_response or treatment.headers.remove_request or treatment.headers.remove_response:
        notes.lost(key, given.path_of("headers"), "has edits that are not converted", "write header modifiers")
    hostname = treatment.host
    if hostname is not None and (":" in hostname or hostname != hostname.lower()):
        notes.lost(key, given.path_of("host"), "is no hostname that a filter writes", "write it in lower case")
        hostname = None
    rewrite = without_nothing({"hostname": hostname, "path": path})
    if rewrite:
        names = (given.path_of("rewrite"), given.path_of("host"))
        found.append(at({"type": "URLRewrite", "urlRewrite": rewrite}, key, *names))
    return found


def redirect_rule(notes: Notes, given: Given, redirect: ir.Redirect) -> Document:
    """Where clients are sent by an annotation."""
    path = None
    if redirect.rewrite is not None:
        path = {"type": "ReplaceFullPath", "replaceFullPath": redirect.rewrite.text}
        said = "drops what the client asked for behind a ?, and a redirect of a route keeps it"
        notes.otherwise(given.key, given.path_of("redirect"), said, "nothing")
    whole: dict[str, Any] = {
        "scheme": redirect.scheme,
        "hostname": redirect.host,
        "port": redirect.port,
        "path": path,
        "statusCode": int(redirect.code),
    }
    return {"type": "RequestRedirect", "requestRedirect": without_nothing(whole)}


def by_canary(canary: Given, notes: Notes) -> Iterator[tuple[Document, bool]]:
    """The headers by which requests are told apart, and whether they are the canary's."""
    said = canary.treatment.canary
    if said is None:
        return
    if said.cookie:
        where = canary.path_of("canary")
        notes.lost(canary.key, where, "no match asks for a cookie alone", "ask for a header instead")
    if said.header and said.header_value is not None:
        kind = {} if said.header_value.kind == "exact" else {"type": "RegularExpression"}
        yield {**kind, "name": said.header, "value": said.header_value.text}, True
    elif said.header:
        for word, mine in (("always", True), ("never", False)):
            yield {"name": said.header, "value": word}, mine
