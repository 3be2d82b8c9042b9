"""The questions in their order, and what is made of the answers: a report, as JSON has it.

First Envoy is asked how it would serve the request. Then which virtual host it belongs to, and which rules of that hold
for it: each question names the rules that were told already, until none is left.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from why.errors import errors
from why.gateway import Gateway, QuestionError, endpoint_told
from why.request import Answer, AnswerError, HandshakeError, Request, send

Report = dict[str, Any]

MOST_RULES: Final = 50
"""So many rules that hold are told."""

_FORWARDED: Final = "no_healthy_upstream"
_NO_CLUSTER: Final = "cluster_not_found"
_ANSWERED: Final = "direct_response"
_NOT_FOUND: Final = "route_not_found"
_ROUTED: Final = (_FORWARDED, _NO_CLUSTER, _ANSWERED, _NOT_FOUND, "upgrade_failed")
"""What Envoy says of a request for which it looked for a route."""
_REFUSED: Final = 400


def why(gateway: Gateway, request: Request, port: int | None = None) -> Report:
    """The report. GatewayError: the gateway cannot be asked; AnswerError: Envoy did not answer."""
    wanted = {
        "scheme": request.scheme,
        "port": port or request.port,
        "strict": port is not None,
        "server_name": request.asked_name or "",
    }
    listener = gateway.ask({"ask": "listener", **wanted})
    report: Report = {
        "request": _shown(request),
        "listener": {name: listener[name] for name in ("name", "port", "objects")},
        "chain": None,
        "host": None,
        "rule": None,
        "answer": {},
        "others": [],
        "left_out": 0,
        "endpoints": None,
        "errors": None,
        "notes": [],
    }
    try:
        answer = _first(gateway, request, listener)
    except HandshakeError as error:
        report["answer"] = {"kind": "nothing", "why": f"no chain of the Listener takes the connection: {error}"}
        report["served"] = False
        return report
    report["answer"] = answered(answer)
    if answer.told.get("details") in _ROUTED:
        try:
            _explain(gateway, request, listener["port"], answer, report)
        except (QuestionError, AnswerError) as error:
            report["notes"].append(f"The rest could not be asked: {error}")
    if report["answer"]["kind"] == "forwards":
        cluster, rule = gateway.cluster(report["answer"]["cluster"]), report["rule"]
        if cluster is not None:
            report["endpoints"] = [endpoint_told(each) for each in cluster.get("host_statuses", ())]
        path = report["answer"]["original_path"] or request.target
        logs = report["chain"]["logs"] if report["chain"] else ()
        report["errors"] = errors(gateway, cluster, rule["objects"][:1] if rule else (), path, logs)
    report["served"] = served(report)
    return report


def _first(gateway: Gateway, request: Request, listener: Report) -> Answer:
    """What Envoy answers at the copy of a listener. HandshakeError: no chain takes the connection."""
    if listener["private"] is None:
        raise HandshakeError(f"{request.scheme} is not spoken there" + (" for this name" if request.asked_name else ""))
    with gateway.opened(listener["private"]) as path:
        return send(path, request, listener["port"])


def _shown(request: Request) -> Report:
    url = f"{request.scheme}://{request.authority}{request.target}"
    return {"method": request.method, "url": url, "headers": [name for name, _ in request.headers]}


def answered(answer: Answer) -> Report:
    """What Envoy would do, of what it says of a request that went nowhere."""
    told, headers = answer.told, answer.headers
    details, path = told.get("details"), told.get("path")
    said: Report = {"original_path": told.get("original-path") or path}
    if details in (_FORWARDED, _NO_CLUSTER):
        prefix = "header-"
        return said | {
            "kind": "forwards" if details == _FORWARDED else "nothing",
            "why": None if details == _FORWARDED else "its cluster is not there",
            "cluster": told.get("cluster"),
            "method": told.get("method"),
            "authority": told.get("authority"),
            "path": path,
            "headers": {name.removeprefix(prefix): value for name, value in told.items() if name.startswith(prefix)},
        }
    said["status"] = answer.status
    of_call = headers.get("grpc-status")  # beside it the status is 200, whatever became of the call
    is_refused = answer.status >= _REFUSED or of_call not in (None, "0")
    if "location" in headers:
        said["location"] = headers["location"]
    if details == _ANSWERED:
        kind, why_not = "redirects" if "location" in headers else "answers", of_call and f"grpc-status {of_call}"
        return said | {"kind": kind, "why": why_not, "refused": is_refused}
    if details == _NOT_FOUND:
        return said | {"kind": "nothing", "why": "no rule has it"}
    why_not = f"Envoy answers by itself ({details})" if details else "Envoy answers before it looks for a rule"
    return said | {"kind": "nothing" if is_refused else "answers", "why": why_not, "refused": is_refused}


def _explain(gateway: Gateway, request: Request, port: int, answer: Answer, report: Report) -> None:
    """Whose the answer is: the chain, the Host, the rule, and what else holds."""
    chain = gateway.ask({"ask": "chain", "chain": answer.told["chain"]})
    report["chain"] = {name: value for name, value in chain.items() if name != "private"}
    if "private" not in chain:
        report["answer"] = {"kind": "passes on", "why": "the connection is a TCPMapping's, whatever is in it"}
        return
    with gateway.opened(chain["private"]) as path:
        host = send(path, request, port).told.get("route")
    if not host:
        return
    original, route = report["answer"].get("original_path") or request.target, answer.told.get("route", "")
    found = gateway.ask({"ask": "rules", "chain": chain["name"], "host": int(host), "path": original, "route": route})
    report["host"], report["left_out"] = found["host"], found["left_out"]
    with gateway.opened(found["private"]) as path:
        holding = [found["rules"][number] for number in _holding(request, port, path)]
    taken = next((rule for rule in holding if route and rule["route"] == route), found["route"] if route else None)
    report["rule"] = taken
    report["others"] = [rule for rule in holding if rule is not taken]


def _holding(request: Request, port: int, path: Path) -> list[int]:
    """The numbers of the rules that hold, in their order."""
    numbers: list[int] = []
    while len(numbers) <= MOST_RULES:
        passed = "".join([f";{number};" for number in numbers]) or ";"
        said = send(path, request, port, passed).told.get("route")
        if not said or int(said) in numbers:
            break
        numbers.append(int(said))
    return numbers


def served(report: Mapping[str, Any]) -> bool:
    """Whether something serves the request: a backend that is there, a redirect, or an answer that somebody wrote."""
    answer = report["answer"]
    if answer["kind"] == "forwards":
        return report["endpoints"] is None or bool(report["endpoints"])
    if answer["kind"] == "answers":
        return report["rule"] is not None or not answer["refused"]
    return answer["kind"] in ("redirects", "passes on")
