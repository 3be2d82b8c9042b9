"""Who may see the diagnostics page: everybody who reaches its port, unless the Module says that only this pod may."""

import ipaddress
from typing import Any

import orjson

from diagnostics.view import View

_MODULES = "getambassador.io/Module/"
_NAME = "/ambassador"


def is_local(address: str) -> bool:
    """Whether whoever asks from this address is in this pod."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def is_for_locals(view: View, namespace: str) -> bool:
    """Whether the Module says `diagnostics: {allow_non_local: false}`. The one of our own namespace counts first."""
    keys = sorted(key for key in view.objects.rows if key.startswith(_MODULES) and key.endswith(_NAME))
    own = f"{_MODULES}{namespace}{_NAME}"
    if not keys:
        return False
    record = view.objects.record(own if own in keys else keys[0])
    return record is not None and _said(orjson.loads(record.body)) is False


def _said(body: Any) -> Any:
    found = body
    for name in ("spec", "config", "diagnostics", "allow_non_local"):
        found = found.get(name) if isinstance(found, dict) else None
    return found
