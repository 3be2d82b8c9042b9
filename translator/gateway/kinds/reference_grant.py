"""ReferenceGrant: who of other namespaces may refer to what in this one.

Source: Gateway API v1.7.0, ReferenceGrant v1.
"""

from dataclasses import field
from typing import Annotated, ClassVar

from translator.decode import Rule, rule
from translator.gateway.kinds.shared import Group, Kind, Namespace, ObjectName
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFrom:
    """Who may refer."""

    OPEN: ClassVar[bool] = True

    group: Group
    kind: Kind
    namespace: Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTo:
    """To what; without a name, to all of the kind."""

    OPEN: ClassVar[bool] = True

    group: Group
    kind: Kind
    name: ObjectName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceGrantSpec:
    """What a ReferenceGrant says."""

    OPEN: ClassVar[bool] = True

    source: Annotated[tuple[GrantFrom, ...], Rule(min_size=1, max_size=16)] = field(
        metadata=rule(name="from", required=True)
    )
    to: Annotated[tuple[GrantTo, ...], Rule(min_size=1, max_size=16)]
