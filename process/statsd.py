"""Where Envoy's statistics are sent: the variables of statsd and of Datadog's agent, under Emissary's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from process import variables


@dataclass(frozen=True, slots=True)
class Statsd:
    """A statsd server, or Datadog's agent: a host and a UDP port, and how often it is told, in seconds."""

    host: str = "statsd-sink"
    port: int = 8125
    interval: float = 1.0
    dogstatsd: bool = False
    entity_id: str = ""
    """Who this pod is to Datadog's agent."""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self | None:
        """What an environment without empty variables says; None: nothing is sent. SettingsError names a bad one."""
        if not variables.boolean(given, "STATSD_ENABLED", False):
            return None
        usual = cls()
        return cls(
            host=given.get("STATSD_HOST", usual.host),
            port=variables.whole(given, "STATSD_PORT", usual.port, 1, 65535),
            interval=variables.seconds(given, "STATSD_FLUSH_INTERVAL", usual.interval, 0.001),
            dogstatsd=variables.boolean(given, "DOGSTATSD", False),
            entity_id=given.get("DD_ENTITY_ID", ""),
        )
