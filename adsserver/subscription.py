"""What a stream wants of one kind of resource: by name, or all there are.

Source: https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#how-the-client-specifies-what-resources-to-return
"""

from dataclasses import dataclass, field

from adsserver.messages import Request
from adsserver.resources import Kind

WILDCARD = "*"

_LEGACY_WILDCARD = frozenset({Kind.CLUSTER, Kind.SCOPE, Kind.LISTENER})


@dataclass(slots=True)
class Subscription:
    """The standing interest of one stream in one kind."""

    asked: bool = False
    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    changes: int = 0
    """How often names came or went: who has looked at them need not look again before it is another number."""

    def covers(self, name: str) -> bool:
        """Whether the stream wants to hear of a resource."""
        return self.wildcard or name in self.names

    def update(self, request: Request) -> list[str]:
        """Take a request's changes; returns the names that must be answered whatever Envoy holds, in order.

        Such a name was subscribed (Envoy may have dropped its copy a moment ago), or it was unsubscribed but the
        wildcard still covers it, which Envoy cannot know. On a stream's first request the names for which Envoy
        shows a version need no answer unless that version is old.
        """
        first, self.asked = not self.asked, True
        if first and not request.subscribe and request.kind in _LEGACY_WILDCARD:
            self.wildcard = True
        added = [name for name in request.subscribe if name != WILDCARD]
        dropped = [name for name in request.unsubscribe if name != WILDCARD]
        self.wildcard = (self.wildcard or WILDCARD in request.subscribe) and WILDCARD not in request.unsubscribe
        self.changes += bool(added or dropped)
        self.names.update(added)
        self.names.difference_update(dropped)
        shown = request.initial_versions if first else {}
        return [name for name in added if name not in shown] + [name for name in dropped if self.wildcard]
