"""From a rule to routes of the IR: each match is one, or some where they are shared out. Pure.

A rule that cannot be served as it stands answers an error, and is told; it is never left out, since requests would go
where another rule sends them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from translator import ir
from translator.features.hash_policy import HashPolicy
from translator.features.retry_policy import RetryPolicy
from translator.features.upgrades import Upgrades
from translator.filters.address_rules import AddressRules
from translator.filters.buffering import AsItComes, WholeBodies
from translator.filters.cors import CrossOrigin
from translator.filters.external_auth import ExternalAuth
from translator.filters.route_auth import AskFirst
from translator.gateway.backends import presenting
from translator.gateway.filters import Treatment, redirects_of, rewrite_of, share_of
from translator.gateway.kinds.filters import RequestMirror
from translator.gateway.kinds.http_route import Retry, Timeouts
from translator.gateway.matches import METHOD, Rank
from translator.gateway.sessions import Session
from translator.gateway.treatment import SILENCE, Said, Words
from translator.values import dataclass

_PRECISE: Final = 1_000_000
_CONDITIONS: Final = ("connect-failure", "refused-stream", "reset-before-request")
_WITH_PORT: Final = ir.HeaderMatch(":authority", ir.TextMatch("regex", r".*:[0-9]+"))
_PREFLIGHT: Final = ir.HeaderMatch(METHOD, ir.TextMatch("exact", "OPTIONS"))
_WEBSOCKETS: Final = Upgrades(("websocket",))
_UPGRADING: Final = (
    ir.HeaderMatch("connection", ir.TextMatch("regex", r"(?i)(.*,)?\s*upgrade\s*(,.*)?")),
    ir.HeaderMatch("upgrade", ir.TextMatch("exact", "websocket", ignore_case=True)),
)

Listener = tuple[str, int]
"""The scheme and the port by which requests come in."""


@dataclass(frozen=True, slots=True)
class Share:
    """A backend's share of a rule; `backend` None: it is broken. `hash_policy`: by what its endpoint is chosen."""

    backend: ir.Backend | None
    weight: int
    treatment: Treatment
    mirrors: tuple[ir.Mirror, ...] = ()
    hash_policy: HashPolicy | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is understood: what it asks, in the order of its matches, and what it does.

    `words` are those of policies about its requests.
    """

    place: int
    matches: tuple[tuple[int, ir.RouteMatch, Rank], ...]
    treatment: Treatment
    mirrors: tuple[ir.Mirror, ...]
    shares: tuple[Share, ...]
    timeouts: Timeouts
    retry: Retry | None
    of_calls: bool
    session: Session | None = None
    words: Words = SILENCE
    auth: ExternalAuth | None = None

    @property
    def cors(self) -> CrossOrigin | None:
        """Which pages of other sites may read answers: by a policy's last word, by its own filter, else by policies."""
        return self.words.last.cors or self.treatment.cors or self.words.default.cors

    @property
    def said(self) -> Said:
        """What policies say of its requests."""
        return self.words.said

    @property
    def gathers_bodies(self) -> bool:
        """Whether requests wait for the end of their bodies; what follows one for a WebSocket has none."""
        return not self.of_calls and isinstance(self.said.bodies, WholeBodies)

    @property
    def depends_on_listener(self) -> bool:
        """Whether what it does depends on where requests come in."""
        return self.treatment.redirect is not None

    @property
    def speaks_tls(self) -> bool:
        """Whether TLS is spoken with any of its backends, so that they may be shown a certificate."""
        asked = [share.backend for share in self.shares if share.backend is not None]
        copied = [
            each.backend for mirrors in (self.mirrors, *[share.mirrors for share in self.shares]) for each in mirrors
        ]
        asked += [self.auth.backend] if self.auth is not None else []
        return any(backend.tls is not None for backend in (*asked, *copied))

    def under(self, general: Words) -> "Rule":
        """The same where that is said of more than the rule, and its route."""
        words = self.words.under(general)
        return self if words is self.words else replace(self, words=words)

    def within(self, addresses: AddressRules | None) -> "Rule":
        """The same where requests come in by somebody else's word, who has these rules about addresses for all."""
        return self if addresses is None else replace(self, words=self.words.within(addresses))

    def presenting(self, certificate: ir.SecretRef | None) -> "Rule":
        """The same, with a certificate that is shown to backends where TLS is spoken with them."""
        if certificate is None:
            return self
        shown = [
            replace(
                share, backend=presenting(share.backend, certificate), mirrors=_presenting(share.mirrors, certificate)
            )
            for share in self.shares
        ]
        auth = self.auth
        if auth is not None:
            auth = replace(auth, backend=presenting(auth.backend, certificate) or auth.backend)
        return replace(self, shares=tuple(shown), mirrors=_presenting(self.mirrors, certificate), auth=auth)


def _presenting(mirrors: tuple[ir.Mirror, ...], certificate: ir.SecretRef) -> tuple[ir.Mirror, ...]:
    return tuple([replace(each, backend=presenting(each.backend, certificate) or each.backend) for each in mirrors])


@dataclass(frozen=True, slots=True)
class Variant:
    """One route of a match: `name` and `order` tell it apart from the others of the match."""

    name: str
    match: ir.RouteMatch
    rank: Rank
    order: tuple[int, ...]
    action: ir.Forward | ir.Redirect | ir.DirectResponse
    headers: ir.HeaderEdits
    filters: tuple[Any, ...]


def most_variants(rule: Rule) -> int:
    """How many `variants` a rule has, at most."""
    apart = sum(share.weight > 0 for share in rule.shares) if any(not _is_plain(share) for share in rule.shares) else 1
    each = 2 if rule.treatment.redirect is not None else max(apart, 1) * (2 if rule.gathers_bodies else 1)
    return len(rule.matches) * each * (2 if rule.cors is not None else 1)


def variants(rule: Rule, listener: Listener) -> Iterator[Variant]:
    """The routes of a rule for requests that come in at a listener."""
    first = AskFirst(rule.auth) if rule.auth is not None else None
    own = tuple([each for each in (rule.cors, first, rule.session) if each is not None])
    filters = (*own, *rule.said.filters)
    for number, match, rank in rule.matches:
        for place, (narrowed, action, headers) in enumerate(_actions(rule, match, listener)):
            name, order = f"{rule.place}-{number}", (rule.place, number, place)
            if place:
                name = f"{name}-{place}"
            if rule.gathers_bodies and isinstance(action, ir.Forward):
                upgrading = replace(narrowed, headers=(*narrowed.headers, *_UPGRADING))
                first_of_all, as_it_comes = (rule.place, number, -1, place), (*filters, AsItComes())
                yield Variant(f"{name}-upgrade", upgrading, rank, first_of_all, action, headers, as_it_comes)
            yield Variant(name, narrowed, rank, order, action, headers, filters)
            asked = next((each for each in narrowed.headers if each.name == METHOD), None) if rule.cors else None
            if asked is not None and asked != _PREFLIGHT:
                yield Variant(
                    f"{name}-preflight", _preflight(narrowed, asked), rank, (*order, 1), action, headers, filters
                )


def _preflight(match: ir.RouteMatch, method: ir.HeaderMatch) -> ir.RouteMatch:
    """What a browser asks before a request of this method, with none of its headers."""
    return replace(match, headers=(_PREFLIGHT, replace(method, name="access-control-request-method")))


Action = tuple[ir.RouteMatch, ir.Forward | ir.Redirect | ir.DirectResponse, ir.HeaderEdits]


def _actions(rule: Rule, match: ir.RouteMatch, listener: Listener) -> Iterator[Action]:
    treatment, error = rule.treatment, ir.DirectResponse(503 if rule.of_calls else 500)
    if treatment.unserved or rule.said.is_closed:
        yield match, error, ir.NO_EDITS
    elif treatment.redirect is not None:
        for redirect, came_with_port in redirects_of(treatment.redirect, match.path, listener):
            headers = (*match.headers, _WITH_PORT) if came_with_port else match.headers
            yield replace(match, headers=headers), redirect, treatment.headers
    elif not any(share.weight for share in rule.shares):
        yield match, error, treatment.headers
    else:
        yield from _forwards(rule, match)


def _forwards(rule: Rule, match: ir.RouteMatch) -> Iterator[Action]:
    """One route for all backends, or one for each, where what is done with the request depends on the backend."""
    shares = [share for share in rule.shares if share.weight]
    if all(_is_plain(share) for share in shares):
        yield match, _forward(rule, shares, match), rule.treatment.headers
        return
    total, reached = sum(share.weight for share in shares), 0
    for place, share in enumerate(shares):
        reached += share.weight
        # Envoy draws one number a request, and compares it with each share that the request meets.
        part = None if place == len(shares) - 1 else ir.Share(round(reached * _PRECISE / total), _PRECISE)
        yield replace(match, share=part), _forward(rule, [share], match), rule.treatment.headers


def _is_plain(share: Share) -> bool:
    """Whether all that is done with a share's requests can be said beside its weight."""
    return not (share.treatment.rewrite or share.mirrors)


def _forward(rule: Rule, shares: Sequence[Share], match: ir.RouteMatch) -> ir.Forward:
    own = shares[0].treatment.rewrite if len(shares) == 1 else None
    rewrite = own or rule.treatment.rewrite
    mirrors = rule.mirrors + (shares[0].mirrors if len(shares) == 1 else ())
    timeout, retry = _patience_of(rule)
    websockets = None if rule.of_calls else _WEBSOCKETS
    alike = next((share.hash_policy for share in shares if share.hash_policy is not None), None)
    features = tuple([each for each in (retry, websockets, alike) if each is not None])
    return ir.Forward(
        tuple([ir.WeightedBackend(share.backend, share.weight, share.treatment.headers) for share in shares]),
        rewrite_of(rewrite.path, match.path) if rewrite else None,
        rewrite.hostname if rewrite else None,
        timeout,
        mirrors,
        (*features, *rule.said.features),
        503 if rule.of_calls else 500,
    )


def _patience_of(rule: Rule) -> tuple[int | None, RetryPolicy | None]:
    """The same of a rule: what it does not say itself, policies may, and by their last word also what it does say."""
    timeouts, retry, last, said = rule.timeouts, rule.retry, rule.words.last, rule.said
    if last.timeout_ms is not None or (timeouts.request is None and said.timeout_ms is not None):
        timeouts = replace(timeouts, request=said.timeout_ms)
    if said.retry is None or (retry is not None and last.retry is None):
        return _patience(timeouts, retry, of_calls=rule.of_calls)
    each_try = timeouts.backend_request
    limit = 0 if timeouts.request is None and (rule.of_calls or each_try is not None) else timeouts.request
    if each_try is None or (last.retry is not None and said.retry.per_try_timeout_ms is not None):
        each_try = said.retry.per_try_timeout_ms
    return limit, replace(said.retry, per_try_timeout_ms=each_try or None)


def _patience(timeouts: Timeouts, retry: Retry | None, *, of_calls: bool) -> tuple[int | None, RetryPolicy | None]:
    """How long is waited for an answer, in milliseconds, and when a request is sent again.

    A call may last as long as it likes, where nothing is said; for requests there is Envoy's own limit.
    """
    request, each_try = timeouts.request, timeouts.backend_request
    otherwise = 0 if of_calls or each_try is not None else None
    attempts = 0 if retry is None else 1 if retry.attempts is None else retry.attempts
    if retry is None or not attempts:
        limits = [limit for limit in (request, each_try) if limit]
        return min(limits) if limits else otherwise if request is None else request, None
    conditions = (*_CONDITIONS, "retriable-status-codes") if retry.codes else _CONDITIONS
    codes = tuple(sorted(set(retry.codes)))
    policy = RetryPolicy(conditions, attempts, each_try or None, codes=codes, backoff_ms=retry.backoff or None)
    return otherwise if request is None else request, policy


def mirror_of(backend: ir.Backend, said: RequestMirror) -> ir.Mirror:
    """The copies of requests."""
    return ir.Mirror(backend, share_of(said), same_host=True)
