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
    PeerName,
    PemFiles,
    SecretRef,
    ServicePort,
    Several,
    Target,
    TlsVersions,
    UpstreamTls,
)
from translator.ir.hosts import Hosts
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
    UdpChain,
    VirtualHost,
)
from translator.ir.sharing import AFTER, Shared, Standing, Wish

__all__ = [
    "AFTER",
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
    "Hosts",
    "HttpChain",
    "HttpOptions",
    "Listener",
    "LocalSocket",
    "Mirror",
    "ObjectKey",
    "PathMatch",
    "PeerName",
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
    "Shared",
    "Standing",
    "Target",
    "TcpChain",
    "TextMatch",
    "TlsTermination",
    "TlsVersions",
    "UdpChain",
    "UpstreamTls",
    "VirtualHost",
    "WeightedBackend",
    "Wish",
]
