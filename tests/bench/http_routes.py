"""A changed HTTPRoute among very many, beside a changed Mapping among as many: two gateways, each in turn.

Both serve the same names and paths to the same Services, in clear text at one port, 50 routes a name.
"""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.index import CHANGES, Served
from tests.bench.report import Goal, Line, beside, sizes_up_to
from tests.support.gateway_api import api_gateway, backing, gateway_class, listener, route, rule, to
from tests.support.objects import mapping

SIZES = (1000, 10_000)
SERVICES = 250
GOALS = {10_000: Goal("<=", 1.3)}
"""Of CPU, and of the time until a change is served."""


def _redirect(path: str, answer: str) -> dict[str, object]:
    to_answer = {"type": "RequestRedirect", "requestRedirect": {"hostname": f"{answer}.test"}}
    return rule(path, filters=[to_answer])


class _Mappings(Served):
    """The same Services as the routes beside it."""

    def mapping(self, name: str, number: int) -> str:
        return mapping(f"{name}-{number}", name, f"s{number % SERVICES}:80", f"/m{number}/")


class _Routes(_Mappings):
    """The same of HTTPRoutes."""

    def way_in(self, port: int) -> str:
        return gateway_class() + api_gateway("g", listener("http", port))

    def host(self, name: str) -> str:
        return ""  # a name is a route's own word

    def mapping(self, name: str, number: int) -> str:
        rules = (rule(f"/m{number}", to(f"s{number % SERVICES}")),)
        return route(f"{name}-{number}", "g", *rules, hostnames=[name])

    def redirect(self, name: str, number: int, answer: str) -> str:
        return route(f"{name}-{number}", "g", _redirect(f"/m{number}", answer), hostnames=[name])


def measure(count: int) -> Iterator[Line]:
    """CPU first: ours, Envoy's, then the time until a change is served, and memory."""
    with ExitStack() as stack:
        both: tuple[Served, Served] = (_Mappings(count, "50", 1), _Routes(count, "50", 1))
        for each in both:
            each.gateway.apply("services", "".join([backing(f"s{number}", 9) for number in range(SERVICES)]))
            stack.callback(each.gateway.close)
            each.start()
        for number in range(1, CHANGES + 1):
            for each in both:
                each.change(number)
        mappings, routes = both
        what, against, goal = f"{count:,} HTTPRoutes, 50 a name", "a Mapping among as many", GOALS.get(count)
        for name, old, new in (
            ("CPU of our parts a change", mappings.ours, routes.ours),
            ("CPU of Envoy's main thread a change", mappings.main, routes.main),
            ("a change until served", mappings.served, routes.served),
        ):
            yield beside(f"{what}: {name}", statistics.median(new), "ms", statistics.median(old), against, goal=goal)
        memory = [each.memory() for each in both]
        yield beside(f"{what}: memory of our parts", memory[1], "MB", memory[0], "as many Mappings")


def lines(largest: int) -> Iterator[Line]:
    """By size."""
    for count in sizes_up_to(largest, SIZES):
        yield from measure(count)
