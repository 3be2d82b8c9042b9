"""What of Emissary's environment has a meaning of its own here: where its files are, and which variables do nothing.

Emissary reads files from `/ambassador/ambassador-config` and `/ambassador/init-config`, or where AMBASSADOR_CONFIG_DIR
and AMBASSADOR_CONFIG_BASE_DIR say. Its other variables that are served are read in `process.settings`, by their names.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

KNOWN: Final = frozenset(
    [
        "AMBASSADOR_ID",
        "AMBASSADOR_NAMESPACE",
        "AMBASSADOR_SINGLE_NAMESPACE",
        "AMBASSADOR_CERTS_SINGLE_NAMESPACE",
        "AMBASSADOR_LABEL_SELECTOR",
        "AMBASSADOR_FIELD_SELECTOR",
        "AMBASSADOR_CONFIG_BASE_DIR",
        "AMBASSADOR_CONFIG_DIR",
        "AMBASSADOR_ENVOY_BIND_ADDRESS",
        "AMBASSADOR_ISTIO_SECRET_DIR",
        "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS",
        "AMBASSADOR_HEALTHCHECK_BIND_PORT",
        "AMBASSADOR_HEALTHCHECK_IP_FAMILY",
        "AMBASSADOR_DRAIN_TIME",
        "AMBASSADOR_UPDATE_MAPPING_STATUS",
        "AMBASSADOR_JSON_LOGGING",
        "AMBASSADOR_KNATIVE_SUPPORT",
    ]
)
"""Variables of Emissary's that do their work here."""

_RUN_DIRECTORY: Final = "what the parts share is in DRAGOMAN_RUN_DIR"
_NO_SNAPSHOTS: Final = "no old configurations are kept on disk"
_NO_DIAGD: Final = "diagnostics listen at AMBASSADOR_HEALTHCHECK_BIND_ADDRESS and _PORT"
_NO_READY: Final = "whether Envoy is ready is said at /ambassador/v0/check_ready"
_NO_DELAY: Final = "a change costs what it changes, at once"
_WEBHOOK: Final = "older versions are converted in pods of their own: deploy/older-versions/"
_COMMERCIAL: Final = "it was the commercial product's"
_GONE: Final = "Emissary itself reads it no more"

DEAD: Final[Mapping[str, str]] = {
    "AMBASSADOR_AES_SECRET_NAME": _COMMERCIAL,
    "AMBASSADOR_AES_SECRET_NAMESPACE": _COMMERCIAL,
    "AMBASSADOR_AMBEX_NO_RATELIMIT": "reconfigurations are not limited",
    "AMBASSADOR_AMBEX_SNAPSHOT_COUNT": _NO_SNAPSHOTS,
    "AMBASSADOR_APIEXT_DEPLOYMENT_NAME": _WEBHOOK,
    "AMBASSADOR_APIEXT_DEPLOYMENT_NAMESPACE": _WEBHOOK,
    "AMBASSADOR_APIEXT_WAIT": _WEBHOOK,
    "AMBASSADOR_APIEXT_WAIT_TIMEOUT": _WEBHOOK,
    "AMBASSADOR_CLUSTER_ID": "installations are told apart by AMBASSADOR_ID",
    "AMBASSADOR_DEBUG": "AES_LOG_LEVEL=debug says more",
    "AMBASSADOR_DEBUG_CLUSTER_CONFIG": "`dragoman translate` shows clusters",
    "AMBASSADOR_DIAGD_BANNER_ENDPOINT": "the diagnostics have no banner",
    "AMBASSADOR_DIAGD_BIND_ADDREASS": _NO_DIAGD,
    "AMBASSADOR_DIAGD_BIND_ADDRESS": _NO_DIAGD,
    "AMBASSADOR_DIAGD_BIND_PORT": _NO_DIAGD,
    "AMBASSADOR_DISABLE_ENDPOINTS": "requests go to the endpoints of a Service wherever they are known",
    "AMBASSADOR_DISABLE_FEATURES": _GONE,
    "AMBASSADOR_DISABLE_SNAPSHOT_SERVER": "no port shows the snapshot",
    "AMBASSADOR_EDS_BYPASS": "endpoints come by EDS, on a path that touches no route",
    "AMBASSADOR_ENVOY_API_VERSION": _GONE,
    "AMBASSADOR_ENVOY_BASE_ID": "hot restart is off, and Envoys share no memory",
    "AMBASSADOR_FAST_RECONFIGURE": _NO_DELAY,
    "AMBASSADOR_FORCE_ENDPOINTS": "requests go to the endpoints of a Service wherever they are known",
    "AMBASSADOR_FORCE_SECRET_VALIDATION": "Secrets are always checked",
    "AMBASSADOR_GRPC_METRICS_SINK": _GONE,
    "AMBASSADOR_LOG_RESOURCES": "`dragoman translate` shows resources",
    "AMBASSADOR_READY_LOG": _NO_READY,
    "AMBASSADOR_READY_PORT": _NO_READY,
    "AMBASSADOR_RECONFIG_MAX_DELAY": _NO_DELAY,
    "AMBASSADOR_SNAPSHOT_COUNT": _NO_SNAPSHOTS,
    "AMBASSADOR_VERIFY_SSL_FALSE": _GONE,
    "DIAGD_ONLY": "the parts run together",
    "DISABLE_CA_MANAGEMENT": _WEBHOOK,
    "DISABLE_CRD_MANAGEMENT": _WEBHOOK,
    "ENVOY_BOOTSTRAP_FILE": _RUN_DIRECTORY,
    "ENVOY_DIR": _RUN_DIRECTORY,
    "SCOUT_DISABLE": "nothing is reported to anyone",
    "envoy_config_file": _RUN_DIRECTORY,
    "snapshot_dir": _RUN_DIRECTORY,
}
"""Variables of Emissary's that do nothing here, each with the reason."""

_AGENT: Final = "AGENT_"
_OURS: Final = "AMBASSADOR_"
_OF_SERVICES: Final = re.compile(
    r".*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes says of a Service called `ambassador-...` in the environment of its neighbours."""


def dead_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The variables that are set and do nothing, each with the reason."""
    for name in sorted(environ):
        if name in DEAD:
            yield name, DEAD[name]
        elif name.startswith(_AGENT):
            yield name, _COMMERCIAL
        elif name.startswith(_OURS) and name not in KNOWN and not _is_of_a_service(name, environ[name]):
            near = get_close_matches(name, KNOWN, 1, cutoff=0.85)
            yield name, f"nobody knows it: {near[0]} may be meant" if near else "nobody knows it"


def _is_of_a_service(name: str, value: str) -> bool:
    return _OF_SERVICES.fullmatch(name) is not None or (name.endswith("_PORT") and "://" in value)


def base_folder(given: Mapping[str, str]) -> Path:
    """Where everything is that people mount for Emissary."""
    return Path(given.get("AMBASSADOR_CONFIG_BASE_DIR") or given.get("ambassador_root") or "/ambassador")


def folders(given: Mapping[str, str]) -> tuple[Path, ...]:
    """Where Emissary's files are: the folder that is named, whether it is there or not, and the usual ones that are."""
    base = base_folder(given)
    named, usual = given.get("AMBASSADOR_CONFIG_DIR"), [base / "ambassador-config", base / "init-config"]
    there = [folder for folder in (usual[1:] if named else usual) if folder.is_dir()]
    return (*([Path(named)] if named else []), *there)
