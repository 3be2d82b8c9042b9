"""UDPRoute: where datagrams go that come in at a port.

Source: Gateway API v1.7.0, UDPRoute v1.
"""

from typing import ClassVar

from translator.gateway.kinds.tcp_route import TCPRouteSpec
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UDPRouteSpec(TCPRouteSpec):
    """What a UDPRoute says: the same words as a TCPRoute."""

    OPEN: ClassVar[bool] = True
