"""What can be said of HTTP with clients beyond what every connection has, one file a feature.

A feature is a frozen value, which any API may put into `ir.HttpOptions.features`, and the words in which Envoy is told
of it. A new one is a new file here and one line in FEATURES. What is absent costs nothing: neither a field of Envoy's,
nor time.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from envoyapi.config_accesslog_v3 import AccessLog
from translator.features.http import client_certificates, http1, limits, router
from translator.features.http.part import Named, Part

FEATURES: Final[Mapping[type, Callable[[Any, Named], Part]]] = {
    client_certificates.ClientCertificates: client_certificates.part,
    http1.Http1: http1.part,
    limits.RequestHeaders: limits.part,
    router.NoEnvoyHeaders: router.part,
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
