"""The policies of our own kinds together, as the rest of Gateway API sees them."""

from collections.abc import Mapping
from typing import Any

from translator.decode import Problem
from translator.gateway.attached_statuses import AttachedStatuses, sections_of_routes, sections_of_services
from translator.gateway.attachment import Attachment
from translator.gateway.backend_policies import BackendPolicies
from translator.gateway.elsewhere import Elsewhere
from translator.gateway.gateways import Gateways
from translator.gateway.kinds.shared import Object
from translator.gateway.overriding import Overriding
from translator.gateway.route_policies import RoutePolicies
from translator.ir import ObjectKey
from translator.kubernetes.tables import KubernetesTables
from translator.tables import Table, Tables


class OwnPolicies:
    """`backends` say how Services are reached, `routes` what becomes of requests; `sources` are the tables to fill."""

    statuses: tuple[Table[ObjectKey, bytes], ...]
    problems: tuple[Table[ObjectKey, tuple[Problem, ...]], ...]

    def __init__(self, tables: Tables, gateways: Gateways, elsewhere: Elsewhere, ambassador_id: str) -> None:
        self._tables = tables
        self._gateways = gateways
        self.backends = BackendPolicies(tables, ambassador_id)
        self.routes = RoutePolicies(tables, gateways.listeners, elsewhere, ambassador_id)
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {
            **self.backends.attached.sources,
            **self.routes.attached.sources,
        }

    def tell(
        self,
        kubernetes: KubernetesTables,
        routes: Table[ObjectKey, Object[Any]],
        attachments: Table[ObjectKey, tuple[Attachment, ...]],
    ) -> None:
        """Declare what their statuses say, and what is wrong with them, by what they may be attached to."""
        of_routes = sections_of_routes(self._gateways, routes, attachments)
        overriding = Overriding(self.routes, self._gateways, attachments)
        told = (
            AttachedStatuses(
                self._tables, self.backends.attached, self.backends.judged, sections_of_services(kubernetes)
            ),
            AttachedStatuses(
                self._tables,
                self.routes.attached,
                self.routes.judged,
                of_routes,
                overriding.condition,
                self.routes.instead,
            ),
        )
        self.statuses = tuple([each.statuses for each in told])
        self.problems = tuple([each.problems for each in told])
