"""How many requests one client may make, told by its address and counted by this Envoy alone: more are refused.

Source: envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto.
"""

from typing import Final

from envoyapi.common_ratelimit_v3 import LocalRateLimitDescriptor, RateLimitDescriptorEntry
from envoyapi.config_core_v3 import RuntimeFractionalPercent
from envoyapi.config_route_v3 import (
    RateLimit,
    RateLimitAction,
    RateLimitActionGenericKey,
    RateLimitActionRemoteAddress,
)
from envoyapi.http_local_ratelimit_v3 import LocalRateLimit
from envoyapi.type_v3 import FractionalPercent, HttpStatus, StatusCode, TokenBucket
from envoyapi.wire import duration_ms
from translator.filters.part import HttpFilter
from translator.values import dataclass

MOST_CLIENTS: Final = 10_000
"""Addresses that a route keeps in mind; who was not seen for longest is forgotten first."""

_ALL: Final = RuntimeFractionalPercent(default_value=FractionalPercent(numerator=100))
_UNLIMITED: Final = TokenBucket(
    max_tokens=4_294_967_295, tokens_per_fill=4_294_967_295, fill_interval=duration_ms(1000)
)
_ADDRESS: Final = "remote_address"
_RATE: Final = "generic_key"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds; `burst` may come at once."""

    requests: int
    seconds: int
    burst: int


@dataclass(frozen=True, slots=True)
class ClientRates:
    """The rates of one client, at most one for each number of seconds; who exceeds one is answered `status`."""

    rates: tuple[Rate, ...]
    status: int = 503


def _switch(limits: ClientRates) -> LocalRateLimit:
    return LocalRateLimit(
        stat_prefix="client_rates",
        status=HttpStatus(code=StatusCode(limits.status)),
        token_bucket=_UNLIMITED,
        filter_enabled=_ALL,
        filter_enforced=_ALL,
        descriptors=[_descriptor(rate) for rate in limits.rates],
        rate_limits=[_described(rate) for rate in limits.rates],
        max_dynamic_descriptors=MOST_CLIENTS,
    )


def _described(rate: Rate) -> RateLimit:
    return RateLimit(
        actions=[
            RateLimitAction(generic_key=RateLimitActionGenericKey(descriptor_value=str(rate.seconds))),
            RateLimitAction(remote_address=RateLimitActionRemoteAddress()),
        ]
    )


def _descriptor(rate: Rate) -> LocalRateLimitDescriptor:
    return LocalRateLimitDescriptor(
        entries=[
            RateLimitDescriptorEntry(key=_RATE, value=str(rate.seconds)),
            RateLimitDescriptorEntry(key=_ADDRESS),  # without a value: each has tokens of its own
        ],
        token_bucket=TokenBucket(
            max_tokens=rate.burst, tokens_per_fill=rate.requests, fill_interval=duration_ms(rate.seconds * 1000)
        ),
    )


FILTER: Final = HttpFilter(
    name="envoy.filters.http.local_ratelimit",
    idle=LocalRateLimit(stat_prefix="client_rates"),
    switches={ClientRates: _switch},
    off=LocalRateLimit(stat_prefix="client_rates"),
)
