"""What can be said of HTTP with clients beyond what every connection has, one file a feature.

A feature is a frozen value, which any API may put into `ir.HttpOptions.features`, and the words in which Envoy is told
of it. A new one is a new file here and one line in FEATURES. What is absent costs nothing: neither a field of Envoy's,
nor time. Those with a `backend` have its cluster made.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from envoyapi.config_accesslog_v3 import AccessLog
from translator.features.http import access_log, client_certificates, grpc_log, http1, limits, router, tracing
from translator.features.http.part import Named, Part
from translator.ir import Backend

FEATURES: Final[Mapping[type, Callable[[Any, Named], Part]]] = {
    access_log.FileLog: access_log.part,
    client_certificates.ClientCertificates: client_certificates.part,
    grpc_log.GrpcLog: grpc_log.part,
    http1.Http1: http1.part,
    limits.RequestHeaders: limits.part,
    router.NoEnvoyHeaders: router.part,
    tracing.Tracing: tracing.part,
}


def part_of(features: Iterable[object], named: Named) -> Part:
    """What all features say together.

    Raises:
        KeyError: when a value is of a class that FEATURES does not list: a bug of ours.
    """
    manager: dict[str, object] = {}
    own_router: dict[str, object] = {}
    logs: list[AccessLog] = []
    for feature in features:
        part = FEATURES[type(feature)](feature, named)
        manager.update(part.manager)
        own_router.update(part.router)
        logs += part.access_log
    return Part(manager, own_router, tuple(logs))


def backends_of(features: Iterable[object]) -> Iterator[Backend]:
    """The backends that features send something to."""
    for feature in features:
        if isinstance(feature, grpc_log.GrpcLog | tracing.Tracing):
            yield feature.backend
