"""A report in words, for a terminal: what serves the request, and what else would have."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import click

from process.text import escaped

_MOST_ENDPOINTS: Final = 10
_NAMES: Final = 11
"""Letters of the longest name at the beginning of a line."""


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The lines, with colours, which `click.echo` leaves out where nobody sees them."""
    for name, text in _told(report):
        yield f"{click.style(name.rjust(_NAMES), dim=True)}  {text}" if name else f"{' ' * (_NAMES + 2)}{text}"


def _told(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    request, listener = report["request"], report["listener"]
    yield "request", f"{request['method']} {escaped(request['url'])}"
    yield "Listener", f"{_written(listener['objects']) or listener['name']}, port {listener['port']}"
    if report["chain"]:
        yield "TLS" if report["chain"]["tls"] else "chain", _chain(report["chain"])
    if report["host"]:
        yield "Host", _host(report["host"])
    elif report["chain"] and report["chain"]["http"] and not report["notes"]:
        yield "Host", "none has this name"
    yield from _rule(report)
    yield from _answer(report)
    yield from _endpoints(report["endpoints"])
    yield from _errors(report["errors"])
    yield from _others(report)
    for note in report["notes"]:
        yield "note", click.style(escaped(note), fg="yellow")


def _written(objects: Iterable[Mapping[str, Any]]) -> str:
    """Objects by kind and name, with the files where they are."""
    found = []
    for each in objects:
        name = f"{each['namespace']}/{each['name']}" if each["name"] else each["namespace"]
        source = f" ({each['source']})" if each["source"] else ""
        found.append(escaped(f"{each['kind']} {name}{source}"))
    return ", ".join(found)


def _chain(chain: Mapping[str, Any]) -> str:
    names = ", ".join(chain["server_names"]) or ("any name" if chain["tls"] else "clear text")
    words = [f"{names}"]
    if chain["certificates"]:
        words.append(f"with the certificate of {', '.join(chain['certificates'])}")
    if chain["client_certificate"]:
        words.append("asks clients for a certificate, of which nothing was shown here")
    return escaped("; ".join(words))


def _host(host: Mapping[str, Any]) -> str:
    insecure = f"; requests in clear text: {host['insecure']}" if host["insecure"] else ""
    said = _written(host["objects"])
    return escaped(host["name"]) + (f", of {said}" if said else "") + insecure


def _rule(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    rule = report["rule"]
    if rule is None:
        return
    share = f", {rule['share']:g} % of the requests that come so far" if rule["share"] is not None else ""
    yield "rule", click.style(_written(rule["objects"]) or escaped(rule["route"]), bold=True)
    yield "", f"{escaped(rule['asks'])}{share}"
    for each in rule["before"]:
        said = _written(each["objects"])
        yield "before", escaped(each["what"]) + (f", by {said}" if said else "")


def _answer(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    answer = report["answer"]
    kind = answer["kind"]
    if kind == "forwards":
        yield "cluster", click.style(escaped(answer["cluster"] or "?"), fg="green")
        rewritten = answer["path"] != answer["original_path"]
        yield (
            "sends",
            escaped(f"{answer['method']} {answer['path']}, Host: {answer['authority']}")
            + (f" (the path was {escaped(answer['original_path'])})" if rewritten else ""),
        )
        yield from (("", escaped(f"{name}: {value}")) for name, value in sorted(answer["headers"].items()))
        does = report["rule"]["does"] if report["rule"] else {}
        yield from (("copies to", escaped(name)) for name in does.get("mirrors", ()))
        return
    status = f"{answer['status']}" if answer.get("status") else ""
    where = f" {escaped(answer['location'])}" if answer.get("location") else ""
    said = f"{status}{where}" + (f"{': ' if status else ''}{escaped(answer['why'])}" if answer.get("why") else "")
    yield (
        kind if kind != "nothing" else "served",
        click.style(f"no, {said}" if kind == "nothing" else said, fg="red" if kind == "nothing" else "green"),
    )


def _endpoints(endpoints: list[Mapping[str, Any]] | None) -> Iterator[tuple[str, str]]:
    if endpoints is None:
        return
    if not endpoints:
        yield "endpoints", click.style("none", fg="red")
    for place, each in enumerate(endpoints[:_MOST_ENDPOINTS]):
        health = "healthy" if each["healthy"] else ", ".join(each["troubles"])
        styled = click.style(escaped(health), fg="green" if each["healthy"] else "red")
        yield "" if place else "endpoints", f"{escaped(each['address'])}  {styled}"
    if len(endpoints) > _MOST_ENDPOINTS:
        yield "", f"and {len(endpoints) - _MOST_ENDPOINTS} more"


def _errors(errors: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What went wrong before; and where nothing is known to have, what was looked at."""
    if errors is None:
        return
    since = f" in {errors['since']} since Envoy began" if errors["since"] else ""
    for place, each in enumerate(errors["found"]):
        total = f" of {each['of']:,}" if each.get("of") else ""
        said = each["line"] if "line" in each else f"{each['what']}, {each['count']:,}{total}{'' if place else since}"
        yield "" if place else "errors", click.style(escaped(f"{each['where']}: {said}"), fg="yellow")
    looked_at = "; ".join(errors["looked_at"])
    if not errors["found"]:
        yield "errors", f"none{since}: {escaped(looked_at) or 'but Envoy does not answer'}"


def _others(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for place, rule in enumerate(report["others"]):
        lost = f": {rule['after']}" if rule["after"] else ""
        said = _written(rule["objects"]) or rule["route"]
        yield "" if place else "would also", f"{said}, {escaped(rule['asks'])}{lost}"
    if report["left_out"]:
        yield "", f"and perhaps some of {report['left_out']} more rules, which were not tried"
