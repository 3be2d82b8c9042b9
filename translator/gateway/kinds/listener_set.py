"""ListenerSet: more listeners for a Gateway, which others than its owner may declare.

Source: Gateway API v1.7.0, ListenerSet v1.
"""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar

import orjson

from translator.decode import Problem, Rule, rule
from translator.gateway.kinds.gateway import MOST_LISTENERS, ListenerSpec
from translator.gateway.kinds.shared import Group, Kind, Namespace, ObjectName, read_reference, unique_names
from translator.gateway.names import GROUP
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentGateway:
    """The Gateway that the listeners are for."""

    OPEN: ClassVar[bool] = True

    group: Group = GROUP
    kind: Kind = "Gateway"
    namespace: Namespace | None = None
    name: ObjectName


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSetSpec:
    """What a ListenerSet says."""

    OPEN: ClassVar[bool] = True

    parent_ref: ParentGateway = field(metadata=rule(name="parentRef", required=True))
    listeners: Annotated[tuple[ListenerSpec, ...], Rule(min_size=1, max_size=MOST_LISTENERS)]

    def cross_check(self) -> Iterable[Problem]:
        """Names are there once."""
        yield from unique_names(((place, each.name) for place, each in enumerate(self.listeners)), "listeners")


def parent_of(body: bytes) -> ParentGateway | None:
    """The Gateway of a ListenerSet of which something else cannot be read."""
    spec = orjson.loads(body).get("spec")
    return read_reference(ParentGateway, spec.get("parentRef")) if isinstance(spec, dict) else None
