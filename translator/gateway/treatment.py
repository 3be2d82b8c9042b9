"""What RoutePolicies say of requests, in the words of the IR, and whose word wins. Pure.

What is a default gives way to the more specific word; what is an override stands against it. Rules about addresses do
not even then take the place of others that are for less: who is out by either is out.
"""

from dataclasses import fields, replace
from typing import Any, Final

from translator.features.idle_timeout import IdleTimeout
from translator.features.priority import HighPriority
from translator.features.retry_policy import RetryPolicy
from translator.filters.address_rules import AddressRules, both
from translator.filters.buffering import AsItComes, WholeBodies
from translator.filters.compression import Compress, DoNotCompress
from translator.filters.cors import CrossOrigin
from translator.filters.error_bodies import ErrorBodies
from translator.filters.log_marks import LogMark
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
    bodies: WholeBodies | AsItComes | None = None
    errors: ErrorBodies | None = None
    log: LogMark | None = None
    policies: tuple[ObjectKey, ...] = ()

    def over(self, general: "Said") -> "Said":
        """What holds where this is said of less than the general."""
        if not general.policies:
            return self
        if not self.policies:
            return general
        missing = {name: getattr(general, name) for name in _NAMES if getattr(self, name) is None}
        return replace(self, policies=(*self.policies, *general.policies), **missing)

    def against(self, specific: "Said") -> "Said":
        """What holds where this is the last word, and that is said of less."""
        said = self.over(specific)
        own, other = self.addresses, specific.addresses
        if not isinstance(own, AddressRules):
            return said
        if isinstance(other, Closed):
            return replace(said, addresses=other)
        return replace(said, addresses=both(own, other)) if isinstance(other, AddressRules) else said

    def within(self, addresses: AddressRules | None) -> "Said":
        """What holds where requests come in by somebody else's word, who has these rules about addresses for all."""
        if addresses is None or not isinstance(self.addresses, AddressRules):
            return self
        return replace(self, addresses=both(self.addresses, addresses))

    @property
    def names(self) -> frozenset[str]:
        """The fields of policies by which anything is said."""
        return frozenset(name for field, name in _FIELDS.items() if getattr(self, field) is not None)

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
        if not self.policies:
            return ()
        found: list[Any] = [self.addresses] if isinstance(self.addresses, AddressRules) else []
        for each in (self.authorization, self.limits):
            found += each if isinstance(each, tuple) else ()
        if self.compresses is not None:
            found.append(Compress() if self.compresses else DoNotCompress())
        found += [each for each in (self.bodies, self.errors, self.log) if each is not None]
        return tuple(found)

    @property
    def features(self) -> tuple[Any, ...]:
        """What is said of forwarding, but for timeouts and retries."""
        found = (self.idle, HighPriority() if self.is_high else None)
        return tuple([each for each in found if each is not None])


NOTHING: Final = Said()
_NAMES: Final = tuple([each.name for each in fields(Said) if each.name != "policies"])
_FIELDS: Final = {
    "timeout_ms": "timeout_ms",
    "idle": "idle_timeout_ms",
    "retry": "retry_policy",
    "is_high": "priority",
    "cors": "cors",
    "limits": "labels",
    "addresses": "ip_allow and ip_deny",
    "authorization": "external_auth",
    "compresses": "compress",
    "bodies": "buffer",
    "errors": "error_response_overrides",
    "log": "access_log",
}
"""What each field is called in a policy."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of requests: what is a default, and what is the last word."""

    default: Said = NOTHING
    last: Said = NOTHING

    def under(self, general: "Words") -> "Words":
        """What holds where that is said of more than this."""
        if not (general.default.policies or general.last.policies):
            return self
        return Words(self.default.over(general.default), general.last.against(self.last))

    def within(self, addresses: AddressRules | None) -> "Words":
        """The same where requests come in by somebody else's word, who has these rules about addresses for all."""
        if isinstance(self.last.addresses, AddressRules):
            return replace(self, last=self.last.within(addresses))
        return replace(self, default=self.default.within(addresses))

    @property
    def said(self) -> Said:
        """What holds where nothing more is said."""
        return self.last.against(self.default) if self.last.policies else self.default

    @property
    def policies(self) -> tuple[ObjectKey, ...]:
        """The policies whose word it is."""
        return (*self.last.policies, *self.default.policies)


SILENCE: Final = Words()
