"""Sessions: the requests of one client go to one pod, as long as that is there. Pure."""

from hashlib import blake2b

from translator.filters.sessions import ByCookie, ByHeader
from translator.gateway.kinds.sessions import SessionPersistence

Session = ByCookie | ByHeader


def unserved(session: SessionPersistence, backends: int) -> tuple[str, str] | None:
    """What of it cannot be served, by its place in it, and why; None: all of it can.

    `backends`: how many Services share the requests.
    """
    if session.absolute_timeout is not None and session.header is not None:
        return "absoluteTimeout", "is not served for a header: nobody knows when the session began"
    if session.absolute_timeout is not None and session.cookie and session.cookie.lifetime_type == "Session":
        return "absoluteTimeout", "is not served for a cookie of a session: nobody knows when that began"
    if backends > 1:
        return "", "is not served for more than one backend: which of them gets a request is drawn anew each time"
    return None


def session_of(session: SessionPersistence, route: str, rule: int) -> Session:
    """What tells a session; `route` and `rule` are whose, for a name of its own where none is said."""
    if session.header is not None:
        return ByHeader(session.header.name)
    cookie = session.cookie
    if cookie is None:
        raise ValueError("a session without a cookie or a header")
    name = cookie.name or f"session-{blake2b(f'{route}#{rule}'.encode(), digest_size=6).hexdigest()}"
    # Cookies know whole seconds: of less than one there would be none left, and the session would not end.
    return ByCookie(name, cookie.path, -(-(session.absolute_timeout or 0) // 1000))
