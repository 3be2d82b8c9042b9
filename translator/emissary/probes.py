"""Routes of our own on every Host: liveness, readiness, and the diagnostics where they are wanted."""

from translator import ir
from translator.emissary.backends import Backends
from translator.emissary.kinds.mapping import AUTHORITY
from translator.emissary.kinds.module import Probe
from translator.emissary.precedence import Constraint, order_of
from translator.emissary.service_names import parse
from translator.options import Options

TIMEOUT_MS = 10_000
LAST = "~"
"""Beside a Mapping that is alike, the Mapping goes first."""


def probe_route(name: str, probe: Probe, backends: Backends, options: Options) -> ir.Route:
    """The route of a probe, as if it were a Mapping for every hostname."""
    prefix = probe.prefix or "/"
    target: ir.Target = ir.LocalSocket(options.diagnostics_socket)
    if probe.service:
        service = parse(probe.service)
        port = service.port or 80
        if not backends.leads_to_diagnostics(service.host, port, options.namespace):
            target = backends.target(service, port, options.namespace, [])
    order = order_of(0, "prefix", prefix, (Constraint(AUTHORITY, "*"),), tie=LAST)
    return ir.Route(
        name=f":{name}",
        match=ir.RouteMatch(ir.PathMatch("prefix", prefix)),
        action=ir.Forward(
            backends=(ir.WeightedBackend(ir.Backend(target)),),
            rewrite=ir.Rewrite("matched", probe.rewrite) if probe.rewrite else None,
            timeout_ms=TIMEOUT_MS,
        ),
        order=(*order, 0),
    )
