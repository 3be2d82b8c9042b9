"""`load_balancer`: which endpoint of a service gets a request, and by what of it, so that clients stay at theirs."""

from collections.abc import Iterable
from dataclasses import field
from typing import Final, Literal

from translator.checks import Duration, HeaderName, PlainText, token
from translator.decode import Invalid, Problem, quote, rule
from translator.features.hash_policy import HashPolicy
from translator.features.upstream.load_balancing import LoadBalancing
from translator.values import dataclass

_CHOICES: Final = ("cookie", "header", "source_ip")


def _path(text: str) -> str:
    if ";" in text:
        raise Invalid(f"must not contain a semicolon: {quote(text)}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie by whose value requests are told apart."""

    name: str = field(metadata=rule("Its name.", check=token, min_size=1))
    path: PlainText = field(default="", metadata=rule("The path that it is set for.", check=_path))
    ttl: Duration | None = field(
        default=None,
        metadata=rule("How long it lives, such as 60s, when a client is given one; absent: none is given."),
    )

    def cross_check(self) -> Iterable[Problem]:
        """Cookies live for whole seconds."""
        if self.ttl is not None and self.ttl % 1_000:
            yield Problem("ttl", f"counts as {self.ttl // 1_000}s: cookies live for whole seconds", stops=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """Which endpoint gets a request: in turn, the less busy of two, or always the same for what is alike."""

    policy: Literal["round_robin", "least_request", "ring_hash", "maglev"] = field(metadata=rule("How it is chosen."))
    cookie: Cookie | None = field(default=None, metadata=rule("Alike is what has this cookie with the same value."))
    header: HeaderName | None = field(default=None, metadata=rule("Alike is what has the same value of this header."))
    source_ip: bool = field(default=False, metadata=rule("Alike is what comes from the same address."))

    @property
    def hashes(self) -> bool:
        """Whether requests that are alike go to one endpoint."""
        return self.policy in {"ring_hash", "maglev"}

    def cross_check(self) -> Iterable[Problem]:
        """Who hashes must know what; who does not would only seem to."""
        given = [name for name in _CHOICES if getattr(self, name)]
        if not self.hashes:
            yield from (
                Problem(name, f"cannot be beside policy {self.policy}, which asks for nothing") for name in given
            )
        elif len(given) != 1:
            said = f"not {' and '.join(given)}" if given else "and none is given"
            yield Problem("policy", f"{self.policy} needs one of {', '.join(_CHOICES)}, {said}")


def balancing_of(balancer: LoadBalancer | None) -> LoadBalancing | None:
    """What a backend is told; endpoints are asked in turn where nothing is said."""
    if balancer is None or balancer.policy == "round_robin":
        return None
    return LoadBalancing(balancer.policy)


def hash_policy_of(balancer: LoadBalancer | None) -> HashPolicy | None:
    """What a route is told."""
    if balancer is None or not balancer.hashes:
        return None
    if balancer.header:
        return HashPolicy("header", balancer.header)
    cookie = balancer.cookie
    if cookie is None:
        return HashPolicy("source_ip")
    ttl = None if cookie.ttl is None else cookie.ttl // 1_000
    return HashPolicy("cookie", cookie.name, cookie.path, ttl)
