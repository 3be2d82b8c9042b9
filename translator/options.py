"""What a process is told at its start that changes what objects mean."""

from collections.abc import Callable, Mapping
from dataclasses import field

from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class OwnPort:
    """A TCP port that a process of ours listens on. `closed`: no service may lead there. `purpose`: a noun phrase."""

    address: str
    number: int
    purpose: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the whole process.

    Args:
        ambassador_id: only objects that name this id are read (AMBASSADOR_ID).
        namespace: our own namespace; unqualified names of a Mapping there stay as they are (AMBASSADOR_NAMESPACE).
        bind_address, more_addresses: the addresses of every port that is opened (AMBASSADOR_ENVOY_BIND_ADDRESS).
        strict_selectors: a Host's selector wants all its labels, and the hostname as well; else any of the labels,
            or the hostname, is enough (not DISABLE_STRICT_LABEL_SELECTORS). Its expressions must hold in both cases.
        service_namespaces: the namespaces of which every Service is known, None for all: only there a name can be told
            to be no Service. Empty for a folder, where a service is often a name of DNS.
        diagnostics_socket: the unix socket where the diagnostics answer Envoy, for the routes that lead there.
        own_ports: the TCP ports that our processes have.
        own_addresses: the addresses of the machine, or the pod, that we run in, each in its one spelling.
        default_ports: the ports of HTTP and HTTPS that are open where there is no Listener; none in a cluster.
        ingress_ports: the ports of HTTP and HTTPS of Ingresses that mean what Kubernetes says; of HTTPS perhaps none.
        own_names: names that can only be one of these addresses, in lower case.
        istio_secret_dir: where Istio writes the certificate of this pod (AMBASSADOR_ISTIO_SECRET_DIR); empty: nowhere.
        system_authorities: the file with the CAs that the machine trusts (SSL_CERT_FILE).
        environment: the gateway's environment: objects may name its variables (`$NAME`), and traces show them.
        pod_labels: the labels of the pod that we run in; None where nobody tells them.
        in_cluster: whether the objects are a cluster's, so that statuses are written.
        gateway: the one Gateway that is served and nothing else, `namespace/name` (DRAGOMAN_GATEWAY); empty: all.
        knative: whether Knative's Ingresses are served (AMBASSADOR_KNATIVE_SUPPORT).
        index_from: the routes of a chain from which on it has an index and shards (DRAGOMAN_INDEX_FROM).
        route_stats: the namespaces whose routes are counted, each by itself; `*` is all (DRAGOMAN_ROUTE_STATS).
        openable: gives why Envoy could not write a file, None where it can or nobody knows.
    """

    ambassador_id: str = "default"
    namespace: str = "default"
    bind_address: str = "0.0.0.0"
    more_addresses: tuple[str, ...] = ()
    strict_selectors: bool = True
    service_namespaces: frozenset[str] | None = frozenset()
    diagnostics_socket: str = "/dev/shm/dragoman/diagnostics.sock"  # noqa: S108 -- a name
    own_ports: tuple[OwnPort, ...] = (OwnPort("0.0.0.0", 8877, "diagnostics", closed=True),)
    own_addresses: frozenset[str] = frozenset()
    own_names: frozenset[str] = frozenset()
    default_ports: tuple[int, ...] = ()
    ingress_ports: tuple[int, ...] = (8080, 8443)
    istio_secret_dir: str = ""
    system_authorities: str = "/etc/ssl/certs/ca-certificates.crt"
    environment: Mapping[str, str] = field(default_factory=dict)
    openable: Callable[[str], str | None] = lambda _: None
    pod_labels: Mapping[str, str] | None = None
    in_cluster: bool = False
    gateway: str = ""
    knative: bool = False
    index_from: int = 1000
    route_stats: frozenset[str] = frozenset()
