"""What the APIs say together: where every resource begins."""

from translator import ir
from translator.tables import Table
from translator.values import dataclass

RouteKey = str


@dataclass(frozen=True, slots=True)
class Intent:
    """What the APIs say together: the tables that resources are made from.

    `routes` are rows of routes that belong together (a canary), and `hosts_of` the names of the virtual hosts that such
    a row is attached to. `filters` are by the names of HTTP filters; of `runtime` every row counts.
    """

    listeners: Table[str, ir.Listener]
    chains: Table[str, ir.FilterChain]
    routes: Table[RouteKey, tuple[ir.Route, ...]]
    hosts_of: Table[RouteKey, tuple[str, ...]]
    filters: Table[str, ir.FilterSettings]
    runtime: Table[str, ir.RuntimeValues]
