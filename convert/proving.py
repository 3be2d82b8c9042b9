"""`--prove`: two Envoys, one with each form, are asked the same requests. How is in `diff.proving`."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
import orjson

from convert.canonical import Canonical
from convert.from_ingress.reading import INGRESS, INGRESS_CLASS
from convert.reasons import Reasons
from convert.values import Converted, Told, called, plain
from diff.connections import Connection, chains_of, differs_at, every_connection, leads
from diff.making import Maker
from diff.probes import every_probe
from diff.proving import Asked, answers, both, differs
from diff.sources import Side
from lint.reading import read
from process.settings import Settings
from process.text import escaped
from translator.gateway.listeners import SPEAKING_HTTP
from translator.gateway.names import ROUTES
from translator.ingress.kinds import CLASS, DEFAULT, NGINX, OURS, STANDARD
from translator.ir import ObjectKey
from watcher.limits import Limits

MOST: Final = 5_000
"""So many requests are asked at most."""
STAND_IN: Final = "192.0.2.1"
"""The endpoint of a Service that is not among the objects; nobody asks it."""
Report = dict[str, Any]
_ROUTES: Final = tuple([f"{kind}/" for kind in ROUTES.values()])


def proof_of(side: Side, converted: Converted, texts: Sequence[str], settings: Settings) -> Report:
    """Which requests are answered otherwise, and which of them as it was told. SourceError: no Envoy can be had."""
    made = _as_read(texts, settings)
    opens = any(_speaks_http(plain(made.document)) for made in converted.made)
    left = {key: body for key, body in side.objects.items() if key not in converted.replaced}
    if opens:  # an Ingress that stays keeps the ports, which is told
        left = {key: body for key, body in left.items() if not key.startswith(f"{INGRESS}/")}
    others = _stand_ins({**side.objects, **made})
    before = replace(side, objects={**others, **side.objects, **_classes(side.objects)})
    after = replace(side, objects={**others, **left, **made}, read=None)
    maker = Maker.of(settings)
    closed = replace(maker, options=replace(maker.options, default_ports=()))  # a Gateway opens them, or nobody
    back = any(made.document["kind"] == "Listener" for made in converted.made)
    old, new = (closed if back else maker).make(before).outline, (closed if opens else maker).make(after).outline
    wanted = every_probe(old, new, MOST)
    connections, more = every_connection(old, new)
    report: Report = {
        "asked": len(wanted.chosen),
        "connections": len(connections),
        "left_out": wanted.left_out + more,
        "unasked": wanted.impossible,
        "differ": [],
        "as_told": [],
    }
    forms = Canonical(old, converted.same), Canonical(new, converted.same)
    reasons = Reasons(converted, settings.namespace)
    if wanted.chosen or connections:
        with both(old, new, settings) as sides:
            for probe, one, other in answers(sides, wanted.chosen):
                path = probe.request.target
                old_form, new_form = forms[0].of(one, path), forms[1].of(other, path)
                if old_form != new_form:
                    owners = one["object"], other["object"]
                    told = reasons.of(probe, owners, goes_elsewhere=old_form[0] != new_form[0])
                    _note(report, differs(probe, one, other), told)
            _ask_connections(report, sides, connections, forms, reasons)
    for told_of in (report["differ"], report["as_told"]):  # the tables have their rows in no order
        told_of.sort(key=lambda each: (each["url"], each["method"], each["headers"]))
    return report


def _speaks_http(document: Report) -> bool:
    """Whether it is a Gateway that takes requests: one of connections alone takes no port from Mappings."""
    listeners = document["spec"]["listeners"] if document["kind"] == "Gateway" else ()
    return any(each["protocol"] in SPEAKING_HTTP for each in listeners)


def _ask_connections(
    report: Report,
    sides: tuple[Asked, Asked],
    connections: Sequence[Connection],
    forms: tuple[Canonical, Canonical],
    reasons: Reasons,
) -> None:
    """Whose connections are on both sides."""
    old, new = (chains_of(side, connections) for side in sides)
    for each in connections:
        chains = old[each], new[each]
        one, other = (form.of_connection(chain, by_tls=each.by_tls) for form, chain in zip(forms, chains, strict=True))
        if one == other:
            continue
        owners = tuple([next(iter(chain.origins), None) if chain else None for chain in chains])
        told = reasons.of_connection((owners[0], owners[1]), goes_elsewhere=one[0] != other[0])
        said = [{"said": leads(*form), "object": owner} for form, owner in zip((one, other), owners, strict=True)]
        _note(report, differs_at(each, *said), told)


def _note(report: Report, said: Report, told: Told | None) -> None:
    """A difference: as it was told, or not."""
    if told is None:
        report["differ"].append(said)
    else:
        report["as_told"].append({**said, "told": {"object": told.object, "field": told.path}})


def _as_read(texts: Sequence[str], settings: Settings) -> dict[ObjectKey, bytes]:
    """The objects that are made, as a gateway reads them."""
    with tempfile.TemporaryDirectory(prefix="dragoman-convert-") as folder:
        (Path(folder) / "made.yaml").write_text("---\n".join(texts))
        found = read([Path(folder)], settings.namespace, Limits.of(settings))
    return {key: record.body for key, record in found.objects.items()}


def _stand_ins(objects: Mapping[ObjectKey, bytes]) -> dict[ObjectKey, bytes]:
    """Services that routes lead to, with an endpoint, where they are not among the objects."""
    ports: dict[tuple[str, str], set[int]] = {}
    for key, body in objects.items():
        if key.startswith(_ROUTES):
            for ref in _references(orjson.loads(body).get("spec")):
                where = str(ref.get("namespace") or key.split("/")[2]), str(ref.get("name"))
                ports.setdefault(where, set()).add(ref["port"])
        if key.startswith(f"{INGRESS}/"):
            for said in _services(orjson.loads(body).get("spec")):
                number = (said.get("port") or {}).get("number")
                if isinstance(number, int):
                    ports.setdefault((key.split("/")[2], str(said.get("name"))), set()).add(number)
    with_slices = {
        (key.split("/")[2], orjson.loads(body)["metadata"].get("labels", {}).get("kubernetes.io/service-name"))
        for key, body in objects.items()
        if key.startswith("discovery.k8s.io/EndpointSlice/")
    }
    found: dict[ObjectKey, bytes] = {}
    for (namespace, name), numbers in ports.items():
        service = f"core/Service/{namespace}/{name}"
        listed = [{"name": f"port-{number}", "port": number} for number in sorted(numbers)]
        if service in objects:
            spec = orjson.loads(objects[service]).get("spec") or {}
            listed = [{"name": each.get("name", ""), "port": each["port"]} for each in spec.get("ports") or () if each]
        else:
            found[service] = _body("v1", "Service", namespace, name, {"spec": {"ports": listed}})
        if (namespace, name) not in with_slices:
            more = {"addressType": "IPv4", "ports": listed, "endpoints": [{"addresses": [STAND_IN]}]}
            labels = {"kubernetes.io/service-name": name}
            key = f"discovery.k8s.io/EndpointSlice/{namespace}/{name}"
            found[key] = _body("discovery.k8s.io/v1", "EndpointSlice", namespace, name, more, labels)
    return found


def _classes(objects: Mapping[ObjectKey, bytes]) -> dict[ObjectKey, bytes]:
    """The classes of Ingresses, as ours: what is served once a class of ingress-nginx is taken over."""
    found: dict[ObjectKey, bytes] = {}
    for key, body in objects.items():
        if not key.startswith(f"{INGRESS}/"):
            continue
        document = orjson.loads(body)
        said = document["metadata"].get("annotations") or {}
        name = (document.get("spec") or {}).get("ingressClassName") or said.get(CLASS) or "stand-in"
        place = next(
            (each for each in objects if each.startswith(f"{INGRESS_CLASS}/") and each.endswith(f"/{name}")), ""
        )
        written = orjson.loads(objects[place]) if place else {}
        if name != OURS and (written.get("spec") or {}).get("controller", NGINX) in {NGINX, STANDARD}:
            made = {"spec": {"controller": STANDARD}}
            place = place or f"{INGRESS_CLASS}/{key.split('/')[2]}/{name}"
            metadata = {"name": name, "namespace": place.split("/")[2], "annotations": {DEFAULT: "true"}}
            version = "networking.k8s.io/v1"
            found[place] = orjson.dumps({"apiVersion": version, "kind": "IngressClass", "metadata": metadata, **made})
    return found


def _body(version: str, kind: str, namespace: str, name: str, more: Report, labels: Report | None = None) -> bytes:
    metadata = {"name": name, "namespace": namespace, **({"labels": labels} if labels else {})}
    return orjson.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, **more})


def _services(value: Any) -> Iterator[Report]:
    """The Services in an Ingress."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name == "service" and isinstance(inner, dict) else _services(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _services(inner)


def _references(value: Any) -> Iterator[Report]:
    """The references to Services in a route."""
    if isinstance(value, dict):
        for name, inner in value.items():
            each = inner if name == "backendRefs" else [inner] if name == "backendRef" else []
            yield from (ref for ref in each if isinstance(ref, dict) and isinstance(ref.get("port"), int))
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def lines(proof: Report) -> Iterator[str]:
    """What two Envoys say, for a terminal."""
    for each in proof["differ"]:
        yield f"{click.style('differs', fg='red')}   {escaped(each['method'])} {escaped(each['url'])}{_with(each)}"
        for word in ("before", "after"):
            yield f"          {word:<7} {escaped(each[word]['said'])}"
    for each in proof["as_told"]:
        about = f"{called(each['told']['object'])}, {each['told']['field']}"
        yield (
            f"{click.style('as told', fg='yellow')}   {escaped(each['method'])} {escaped(each['url'])}{_with(each)}"
            f"  ({escaped(about)})"
        )
    whole = proof["asked"] + proof["connections"]
    equal = whole - len(proof["differ"]) - len(proof["as_told"])
    beside = f" and {proof['connections']} connections" if proof["connections"] else ""
    left = f", {proof['left_out']} more were not asked" if proof["left_out"] else ""
    none = f"; {proof['unasked']} routes have no request that could be made up" if proof["unasked"] else ""
    yield (
        f"{proof['asked']} requests{beside} asked of two Envoys: {equal} answered alike,"
        f" {len(proof['as_told'])} otherwise as told, {len(proof['differ'])} otherwise{left}{none}"
    )


def _with(each: Report) -> str:
    return f"  with {escaped(', '.join(each['headers']))}" if each["headers"] else ""
