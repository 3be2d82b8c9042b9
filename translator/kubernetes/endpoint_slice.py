"""EndpointSlices: where the pods of a Service are at this moment.

Source: Kubernetes API reference, EndpointSlice v1 discovery.k8s.io. An endpoint whose `ready` condition is absent
counts as ready. Where no endpoint of a Service is ready, those that still serve while they terminate are used, as
kube-proxy does (KEP-1669), so that the last pods of a rollout finish their work.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from translator.decode import Problem
from translator.kubernetes.service import Service, is_tcp

SERVICE_LABEL = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class SliceEndpoint:
    """One endpoint: an IP address and whether it takes new requests, or only finishes old ones."""

    address: str
    ready: bool
    serving: bool


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """Endpoints of `service`; `ports` are pairs of the Service port's name and the pod's port number, for TCP."""

    namespace: str
    service: str
    ports: tuple[tuple[str, int], ...]
    endpoints: tuple[SliceEndpoint, ...]


def endpoint_slice_of(namespace: str, document: Mapping[str, Any]) -> EndpointSlice | Problem:
    """Read an EndpointSlice object."""
    labels = document.get("metadata", {}).get("labels") or {}
    service = labels.get(SERVICE_LABEL)
    if not isinstance(service, str) or not service:
        return Problem(f"metadata.labels[{SERVICE_LABEL}]", "must name the Service that the endpoints belong to")
    if document.get("addressType") == "FQDN":
        return Problem("addressType", "FQDN is not supported: use IPv4 or IPv6")
    ports: list[tuple[str, int]] = []
    for index, port in enumerate(document.get("ports") or []):
        if not is_tcp(port):
            continue
        number = port.get("port") if isinstance(port, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 65536:
            return Problem(f"ports[{index}].port", "must be a port number from 1 to 65535")
        ports.append((str(port.get("name") or ""), number))
    endpoints: list[SliceEndpoint] = []
    for index, entry in enumerate(document.get("endpoints") or []):
        read = _endpoint_of(entry, f"endpoints[{index}]")
        if isinstance(read, Problem):
            return read
        endpoints.extend(read)
    return EndpointSlice(namespace, service, tuple(ports), tuple(endpoints))


def _endpoint_of(entry: object, path: str) -> list[SliceEndpoint] | Problem:
    if not isinstance(entry, dict):
        return Problem(path, "must be an object")
    conditions = entry.get("conditions") or {}
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving", ready) is not False
    addresses = entry.get("addresses")
    if not isinstance(addresses, list) or not addresses:
        return Problem(f"{path}.addresses", "must be a list of at least one IP address")
    for index, address in enumerate(addresses):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return Problem(f"{path}.addresses[{index}]", f"must be an IP address, not {address!r}")
    # All addresses of one endpoint are the same pod: using more than one would count it more than once.
    return [SliceEndpoint(addresses[0], ready, serving)]


def addresses_of(
    service: Service | None, slices: Iterable[EndpointSlice], wanted: int | str
) -> tuple[tuple[str, int], ...]:
    """The addresses that take requests for the Service's port `wanted`, in an order that does not depend on events."""
    port = service.port(wanted) if service else None
    if port is None:
        return ()
    found = [
        (endpoint, number)
        for part in slices
        for name, number in part.ports
        if name == port.name
        for endpoint in part.endpoints
    ]
    usable = [(endpoint.address, number) for endpoint, number in found if endpoint.ready]
    return tuple(sorted(set(usable or [(e.address, number) for e, number in found if e.serving])))
