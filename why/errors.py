"""What Envoy said of a route that went wrong: its statistics, the health of endpoints, an access log in a file.

Envoy keeps no record of errors, so what it counted since it began is told, with how much; and the last line of an error
for this path where an access log is in a file that can be read. What was looked at is told, whatever was found.
"""

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from why.gateway import Gateway, address_of

LONGEST_LOOK: Final = 1 << 20
"""Bytes at the end of an access log that are looked through."""
LONGEST_LINE: Final = 1000
"""Characters of a line that are shown."""

_OF_CLUSTER: Final[Mapping[str, str]] = {
    "upstream_rq_5xx": "answers with 5xx",
    "upstream_cx_connect_fail": "connections that failed",
    "upstream_cx_connect_timeout": "connections that took too long",
    "upstream_rq_timeout": "requests for which it took too long",
    "upstream_rq_per_try_timeout": "tries for which it took too long",
    "upstream_rq_rx_reset": "requests that the service reset",
    "upstream_rq_pending_overflow": "requests that circuit breakers refused",
    "upstream_rq_pending_failure_eject": "requests that a failed connection took along",
    "ssl.fail_verify_error": "certificates of the service that did not hold",
    "ssl.fail_verify_san": "certificates of the service for another name",
    "ssl.connection_error": "handshakes that failed",
    "health_check.failure": "health checks that failed",
    "outlier_detection.ejections_active": "endpoints that are left out now for their errors",
}
_OF_ROUTE: Final[Mapping[str, str]] = {
    "5xx": "answers with 5xx",
    "4xx": "answers with 4xx",
    "timeout": "requests for which it took too long",
}
_ERROR: Final = re.compile(r"(?<![\w.:/-])5\d\d(?![\w.:/-])")
"""A status of an error, as a line of any format has it: alone."""


def errors(
    gateway: Gateway,
    cluster: Mapping[str, Any] | None,
    objects: Iterable[Mapping[str, Any]],
    path: str,
    logs: Iterable[str],
) -> dict[str, Any]:
    """What went wrong at a cluster, of which Envoy tells this, and at the route of an object; what was looked at."""
    found: list[dict[str, Any]] = []
    looked_at: list[str] = []
    told = gateway.admin("/server_info") or {}
    _at_route(gateway, objects, found, looked_at)
    _at_cluster(gateway, cluster, found, looked_at)
    for log in logs:
        _at_log(log, path, found, looked_at)
    return {"since": told.get("uptime_current_epoch"), "found": found, "looked_at": looked_at}


def _at_route(
    gateway: Gateway, objects: Iterable[Mapping[str, Any]], found: list[dict[str, Any]], looked_at: list[str]
) -> None:
    for each in objects:
        name = f"{each['kind']}/{each['namespace']}/{each['name']}"
        known = gateway.counted(rf"^vhost\..+\.route\.{re.escape(name)}\.upstream_rq_(total|{'|'.join(_OF_ROUTE)})$")
        if not known:
            continue
        looked_at.append(f"Envoy's numbers of the {each['kind']}")
        sums = {of: sum(n for key, n in known.items() if key.endswith(f"_{of}")) for of in ("total", *_OF_ROUTE)}
        for of, words in _OF_ROUTE.items():
            if sums[of]:
                where = f"{each['kind']} {each['namespace']}/{each['name']}"
                found.append({"where": where, "what": words, "count": sums[of], "of": sums["total"]})


def _at_cluster(
    gateway: Gateway, status: Mapping[str, Any] | None, found: list[dict[str, Any]], looked_at: list[str]
) -> None:
    if not status:
        return
    name = str(status.get("observability_name") or status["name"]).replace(":", "_")
    looked_at.append("Envoy's numbers of the cluster and its endpoints")
    beginning = f"cluster.{name}."
    wanted = "|".join(map(re.escape, _OF_CLUSTER))
    known = gateway.counted(rf"^cluster\.{re.escape(name)}\.({wanted}|upstream_rq_total)$")
    for of, words in _OF_CLUSTER.items():
        if count := known.get(beginning + of, 0):
            total = known.get(f"{beginning}upstream_rq_total") if of.startswith("upstream_rq") else None
            found.append({"where": "cluster", "what": words, "count": count, "of": total})
    for host in status.get("host_statuses", ()):
        counted = {each["name"]: int(each.get("value", 0)) for each in host.get("stats", ())}
        for of, words in (("cx_connect_fail", "connections that failed"), ("rq_error", "requests that failed")):
            if counted.get(of):
                total = counted.get("rq_total") if of == "rq_error" else counted.get("cx_total")
                found.append({"where": address_of(host), "what": words, "count": counted[of], "of": total})


def _at_log(log: str, path: str, found: list[dict[str, Any]], looked_at: list[str]) -> None:
    """The last line of an error for a path, where a log is a file."""
    try:
        place = Path(log)
        status = place.stat()
        if not stat.S_ISREG(status.st_mode):
            looked_at.append(f"not the access log, which goes to {log}: it is in the gateway's output")
            return
        with place.open("rb") as file:
            file.seek(max(0, status.st_size - LONGEST_LOOK))
            lines = file.read(LONGEST_LOOK).decode(errors="replace").splitlines()
    except OSError as error:
        looked_at.append(f"not the access log {log}: {error.strerror}")
        return
    looked_at.append(f"the access log {log}")
    asked = path.partition("?")[0]
    line = next((each for each in reversed(lines) if asked in each and _ERROR.search(each)), None)
    if line is not None:
        found.append({"where": f"access log {log}", "line": line[:LONGEST_LINE]})
