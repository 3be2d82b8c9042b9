"""Endpoints (v1): what EndpointSlices have taken the place of, for folders that have them still.

Source: Kubernetes API reference, Endpoints v1 core. They are read as the slices that Kubernetes would mirror them into:
one for each subset, of the Service with the same name. In a cluster they are not watched: the slices are there.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar

from translator.decode import Problem, Rule, decode, few, rule
from translator.kubernetes.endpoint_slice import EndpointSlice, SliceEndpoint, ip_literal
from translator.kubernetes.service import GivenPort, numbered
from translator.kubernetes.shapes import metadata_of
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    OPEN: ClassVar[bool] = True

    ip: Annotated[str, Rule(check=ip_literal)] = field(metadata=rule(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subset:
    OPEN: ClassVar[bool] = True

    addresses: tuple[_Address, ...] = ()
    not_ready: tuple[_Address, ...] = field(default=(), metadata=rule(name="notReadyAddresses"))
    ports: tuple[GivenPort, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoints:
    OPEN: ClassVar[bool] = True

    subsets: tuple[_Subset, ...] = ()


def slices_of(
    namespace: str, name: str, document: Mapping[str, Any]
) -> tuple[EndpointSlice, ...] | tuple[Problem, ...]:
    """Read an Endpoints object, as slices."""
    metadata, read = metadata_of(document), decode(_Endpoints, document, "")
    if read.value is None or metadata.value is None:
        return few((*metadata.problems, *read.problems))
    return tuple([_slice_of(namespace, name, subset) for subset in read.value.subsets])


def _slice_of(namespace: str, name: str, subset: _Subset) -> EndpointSlice:
    ready = [SliceEndpoint(each.ip, ready=True, serving=True) for each in subset.addresses]
    others = [SliceEndpoint(each.ip, ready=False, serving=False) for each in subset.not_ready]
    ports = tuple([(port.name, port.number) for port in numbered(subset.ports)])
    return EndpointSlice(namespace, name, ports, (*ready, *others))
