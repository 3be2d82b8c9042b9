"""Who may change something by the page: who is in this pod, as by `kubectl port-forward`, and means to.

A browser of somebody who may is sent here by other sites as well: by a form of theirs, or under a name of theirs that
they let lead to 127.0.0.1. Browsers say whose page a form is on (Origin), and which name they asked for (Host).
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from diagnostics.access import is_local


def refusal(remote: str, headers: Mapping[str, str]) -> str | None:
    """Why who asks may not; None: they may. `remote` is the address that they come from."""
    host = headers.get("Host", "")
    if not is_local(remote):
        return "only from inside the pod, as kubectl port-forward does"
    if not _is_loopback(host):
        return "only by an address of this machine's own, such as http://127.0.0.1:8877/"
    if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return "another site sent this"
    if headers.get("Origin") != f"http://{host}":
        return f"only by the form of the page, which says Origin: http://{host}"
    return None


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
