"""Where Envoy finds what a resource refers to: on the same stream, with no limit of time.

A limit would let a listener or cluster go live without its routes or certificates while the ADS server restarts.
"""

from envoyapi.config_core_v3 import AggregatedConfigSource, ApiVersion, ConfigSource
from envoyapi.wire import duration_ms

ADS = ConfigSource(
    ads=AggregatedConfigSource(),
    resource_api_version=ApiVersion.V3,
    initial_fetch_timeout=duration_ms(0),
)
