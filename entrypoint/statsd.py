"""Where Envoy sends its statistics: a statsd server, or Datadog's agent, by UDP.

Envoy wants an address, so the name is resolved here, once, before Envoy starts. That takes no longer than it may: a
name that nobody knows costs its statistics, not the start of the gateway.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final

from process.statsd import Statsd

PATIENCE: Final = 3.0
"""Seconds for the name to be resolved."""

_SINKS: Final = {
    False: ("envoy.stat_sinks.statsd", "StatsdSink"),
    True: ("envoy.stat_sinks.dog_statsd", "DogStatsdSink"),
}


def resolved(statsd: Statsd, patience: float = PATIENCE) -> str | None:
    """The address of the server; None when its name leads nowhere in time."""
    pool = ThreadPoolExecutor(1)
    try:
        found = pool.submit(socket.getaddrinfo, statsd.host, statsd.port, type=socket.SOCK_DGRAM).result(patience)
    except (OSError, UnicodeError, FutureTimeoutError):
        return None
    finally:
        pool.shutdown(wait=False)
    return str(found[0][4][0])


def with_sink(made: dict[str, Any], statsd: Statsd, address: str) -> dict[str, Any]:
    """The bootstrap of an Envoy that sends its statistics there."""
    name, message = _SINKS[statsd.dogstatsd]
    sink = {
        "name": name,
        "typed_config": {
            "@type": f"type.googleapis.com/envoy.config.metrics.v3.{message}",
            "address": {"socket_address": {"protocol": "UDP", "address": address, "port_value": statsd.port}},
        },
    }
    made = {**made, "stats_sinks": [sink], "stats_flush_interval": f"{statsd.interval:.3f}s"}
    if statsd.dogstatsd and statsd.entity_id:
        config = made["stats_config"]
        tag = {"tag_name": "dd.internal.entity_id", "fixed_value": statsd.entity_id}
        made["stats_config"] = {**config, "stats_tags": [*config["stats_tags"], tag]}
    return made
