"""GatewayClass: whose Gateways are whose.

Source: Gateway API v1.7.0, GatewayClass v1.
"""

from dataclasses import field
from typing import Annotated, ClassVar

from translator.decode import Rule, rule
from translator.gateway.kinds.shared import Group, Kind, Namespace, ObjectName
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ParametersRef:
    """Further settings, of which we have none."""

    OPEN: ClassVar[bool] = True

    group: Group
    kind: Kind
    name: ObjectName
    namespace: Namespace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayClassSpec:
    """What a GatewayClass says."""

    OPEN: ClassVar[bool] = True

    controller_name: Annotated[str, Rule(min_size=1, max_size=253)] = field(
        metadata=rule(name="controllerName", required=True)
    )
    parameters_ref: ParametersRef | None = field(default=None, metadata=rule(name="parametersRef"))
