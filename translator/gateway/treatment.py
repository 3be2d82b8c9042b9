"""What RoutePolicies say of requests, in the words of the IR, and how the more specific word wins. Pure."""

from dataclasses import fields, replace
from typing import Any, Final

from translator.features.idle_timeout import IdleTimeout
from translator.features.priority import HighPriority
from translator.features.retry_policy import RetryPolicy
from translator.filters.address_rules import AddressRules
from translator.filters.compression import Compress, DoNotCompress
from translator.filters.cors import CrossOrigin
from translator.ir import ObjectKey
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Closed:
    """What should guard, and cannot be used: requests are refused, by a policy."""

    policy: ObjectKey


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of requests; None: nothing. Where () or False stands, it is said that there is none.

    `limits` and `authorization` are values of `translator.filters`. `policies` are those whose word it is.
    """

    timeout_ms: int | None = None
    idle: IdleTimeout | None = None
    retry: RetryPolicy | None = None
    is_high: bool | None = None
    cors: CrossOrigin | None = None
    limits: tuple[Any, ...] | None = None
    addresses: AddressRules | tuple[()] | Closed | None = None
    authorization: tuple[Any, ...] | Closed | None = None
    compresses: bool | None = None
    policies: tuple[ObjectKey, ...] = ()

    def over(self, general: "Said") -> "Said":
        """What holds where this is said of less than the general."""
        if not general.policies:
            return self
        if not self.policies:
            return general
        missing = {name: getattr(general, name) for name in _NAMES if getattr(self, name) is None}
        return replace(self, policies=(*self.policies, *general.policies), **missing)

    def within(self, addresses: AddressRules | None) -> "Said":
        """What holds where requests come in by somebody else's word, who has these rules about addresses for all."""
        if addresses is None or not isinstance(self.addresses, AddressRules):
            return self
        return replace(self, addresses=replace(self.addresses, also=addresses))

    @property
    def is_closed(self) -> bool:
        """Whether requests are refused, since what should guard them cannot be used."""
        return bool(self.closed_by)

    @property
    def closed_by(self) -> frozenset[ObjectKey]:
        """The policies by which requests are refused."""
        guards = (self.addresses, self.authorization)
        return frozenset(each.policy for each in guards if isinstance(each, Closed))

    @property
    def filters(self) -> tuple[Any, ...]:
        """What is said to HTTP filters, but for CORS."""
        found: list[Any] = [self.addresses] if isinstance(self.addresses, AddressRules) else []
        for each in (self.authorization, self.limits):
            found += each if isinstance(each, tuple) else ()
        if self.compresses is not None:
            found.append(Compress() if self.compresses else DoNotCompress())
        return tuple(found)

    @property
    def features(self) -> tuple[Any, ...]:
        """What is said of forwarding, but for timeouts and retries."""
        found = (self.idle, HighPriority() if self.is_high else None)
        return tuple([each for each in found if each is not None])


NOTHING: Final = Said()
_NAMES: Final = tuple([each.name for each in fields(Said) if each.name != "policies"])
