"""Sessions: the requests of one client go to one pod, as long as there are the same pods. Pure.

A cookie that Envoy gives a client is hashed, and the hash leads to a pod. No more is promised: when pods come
or go, some sessions move.
"""

from dataclasses import replace
from hashlib import blake2b
from typing import Final

from translator import ir
from translator.features.hash_policy import HashPolicy
from translator.features.upstream.load_balancing import LoadBalancing
from translator.gateway.kinds.sessions import SessionPersistence

_TOGETHER: Final = LoadBalancing("ring_hash")


def unserved(session: SessionPersistence, backends: int) -> tuple[str, str] | None:
    """What of it cannot be served, by its place in it, and why; None: all of it can.

    `backends`: how many Services share the requests.
    """
    if session.type == "Header" or session.cookie is None:
        return "type", "Header is not served: a session is told by a cookie"
    if session.absolute_timeout is not None and session.cookie.lifetime_type == "Session":
        return "absoluteTimeout", "is not served for a cookie of a session: nobody knows when that began"
    if backends > 1:
        return "", "is not served for more than one backend: which of them gets a request is drawn anew each time"
    return None


def policy_of(session: SessionPersistence, route: str, rule: int) -> HashPolicy:
    """What requests are told apart by; `route` and `rule` are whose, for a name of its own where none is said."""
    cookie = session.cookie
    if cookie is None:
        raise ValueError("a session without a cookie")
    name = cookie.name or f"session-{blake2b(f'{route}#{rule}'.encode(), digest_size=6).hexdigest()}"
    return HashPolicy("cookie", name, cookie.path, (session.absolute_timeout or 0) // 1000)


def keeping(backend: ir.Backend) -> ir.Backend:
    """The backend, whose pods are chosen by what a request hashes to."""
    return replace(backend, features=(*backend.features, _TOGETHER))
