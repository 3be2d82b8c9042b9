"""sessionPersistence of rules: the requests of one client go to one pod.

Source: Gateway API v1.7.0, experimental channel, SessionPersistence.
"""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Literal

from translator.checks import Duration, edited_header_name, plain_text, token
from translator.decode import Problem, Rule, rule
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCookie:
    """The cookie that tells a session."""

    OPEN: ClassVar[bool] = True

    name: Annotated[str, Rule(min_size=1, max_size=256, check=token)] | None = None
    path: Annotated[str, Rule(max_size=1024, check=plain_text)] = "/"
    lifetime_type: Literal["Session", "Permanent"] = field(default="Session", metadata=rule(name="lifetimeType"))

    def cross_check(self) -> Iterable[Problem]:
        """What would end the path."""
        if ";" in self.path:
            yield Problem("path", "must not contain a semicolon")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHeader:
    """The header that tells a session."""

    OPEN: ClassVar[bool] = True

    name: Annotated[str, Rule(min_size=1, max_size=256, check=edited_header_name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPersistence:
    """How a session is told, and how long it lasts, in milliseconds."""

    OPEN: ClassVar[bool] = True

    type: Literal["Cookie", "Header"] = "Cookie"
    cookie: SessionCookie | None = None
    header: SessionHeader | None = None
    absolute_timeout: Duration | None = field(default=None, metadata=rule(name="absoluteTimeout"))

    def cross_check(self) -> Iterable[Problem]:
        """What goes with the type, and with a lifetime."""
        for name, value in (("Cookie", self.cookie), ("Header", self.header)):
            if name == self.type and value is None:
                yield Problem(name.lower(), f"must be given with the type {name}")
            if name != self.type and value is not None:
                yield Problem(name.lower(), f"must not be given with the type {self.type}")
        if self.cookie is not None and self.cookie.lifetime_type == "Permanent" and self.absolute_timeout is None:
            yield Problem("absoluteTimeout", "must be given for a permanent cookie")
