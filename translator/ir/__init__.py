"""What a gateway is asked to do, in no one's words but ours: the place where the APIs meet.

Mapping, HTTPRoute and Ingress are three ways to say the same things. Each API is a folder of rules that turns its kinds
into the values below; the encoders in `translator.xds` know only these values. Nothing here speaks of Kubernetes
objects or of protobuf, every value is frozen, and each carries its origins (the keys of the objects it came from), so
that a problem, a refusal by Envoy or a statistic can name the person's own object.
"""

from translator.ir.backends import (
    Addresses,
    AuthorityRef,
    Backend,
    CertificateRef,
    ConfigMaps,
    ConsulService,
    DnsName,
    Found,
    LocalSocket,
    PemFiles,
    SecretRef,
    ServicePort,
    Several,
    Target,
    TlsVersions,
    UpstreamTls,
)
from translator.ir.keys import ObjectKey
from translator.ir.matches import HeaderMatch, PathMatch, QueryMatch, RouteMatch, Share, TextMatch
from translator.ir.routes import (
    NO_EDITS,
    DirectResponse,
    Forward,
    HeaderEdits,
    HeaderValue,
    Mirror,
    Redirect,
    Rewrite,
    Route,
    WeightedBackend,
)
from translator.ir.serving import (
    FilterChain,
    FilterSettings,
    Guard,
    HttpChain,
    HttpOptions,
    Listener,
    RuntimeValues,
    TcpChain,
    TlsTermination,
    VirtualHost,
)

__all__ = [
    "NO_EDITS",
    "Addresses",
    "AuthorityRef",
    "Backend",
    "CertificateRef",
    "ConfigMaps",
    "ConsulService",
    "DirectResponse",
    "DnsName",
    "FilterChain",
    "FilterSettings",
    "Forward",
    "Found",
    "Guard",
    "HeaderEdits",
    "HeaderMatch",
    "HeaderValue",
    "HttpChain",
    "HttpOptions",
    "Listener",
    "LocalSocket",
    "Mirror",
    "ObjectKey",
    "PathMatch",
    "PemFiles",
    "QueryMatch",
    "Redirect",
    "Rewrite",
    "Route",
    "RouteMatch",
    "RuntimeValues",
    "SecretRef",
    "ServicePort",
    "Several",
    "Share",
    "Target",
    "TcpChain",
    "TextMatch",
    "TlsTermination",
    "TlsVersions",
    "UpstreamTls",
    "VirtualHost",
    "WeightedBackend",
]
