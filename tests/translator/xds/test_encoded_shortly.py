"""What a short way encodes is what the long way gives: plain routes, and virtual hosts that were encoded lately."""

from itertools import product

import pytest

from envoyapi.config_route_v3 import Route, RouteAction, RouteMatch
from envoyapi.wire import duration_ms
from translator import ir
from translator.xds.lately import MOST, Lately
from translator.xds.names import cluster_name
from translator.xds.route import encode_route
from translator.xds.shards import Piece
from translator.xds.virtual_host import IN_FRONT, Behind, encode_virtual_host

BACKEND = ir.Backend(ir.Addresses((("10.0.0.1", 80),)))


def a_route(
    prefix: str, *, rewrite: str | None = None, host: str | None = None, timeout: int | None = None
) -> ir.Route:
    """A plain route."""
    forward = ir.Forward(
        (ir.WeightedBackend(BACKEND),), ir.Rewrite("matched", rewrite) if rewrite else None, host, timeout
    )
    return ir.Route(f"of{prefix}", ir.RouteMatch(ir.PathMatch("prefix", prefix)), forward, (prefix,))


@pytest.mark.parametrize(
    ("rewrite", "host", "timeout"), list(product((None, "/", "/x/"), (None, "other.test"), (None, 0, 3000)))
)
def test_a_plain_route_is_what_its_fields_give(rewrite: str | None, host: str | None, timeout: int | None) -> None:
    encoded = encode_route(a_route("/a/", rewrite=rewrite, host=host, timeout=timeout))
    action = RouteAction(
        cluster=cluster_name(BACKEND),
        prefix_rewrite=rewrite,
        host_rewrite_literal=host,
        timeout=None if timeout is None else duration_ms(timeout),
    )
    assert encoded.match == RouteMatch(prefix="/a/")
    assert encoded.whole == Route(match=RouteMatch(prefix="/a/"), route=action, name="of/a/")


def test_another_match_takes_the_place_of_the_own_one() -> None:
    encoded = encode_route(a_route("/a/"))
    other = RouteMatch(prefix="/" + 200 * "b")
    assert encoded.with_match(other) == Route(match=other) + encoded.whole[len(Route(match=RouteMatch(prefix="/a/"))) :]


def test_a_virtual_host_is_never_an_older_one() -> None:
    lately = Lately()
    hosts = [ir.VirtualHost("a", "a.test"), ir.VirtualHost("a", "a.test", insecure="redirect")]
    routes = [[encode_route(a_route(prefix)) for prefix in them] for them in (["/a/"], ["/a/", "/b/"], ["/b/"], [])]
    for host, some, behind, _ in product(hosts, routes, (IN_FRONT, Behind(inherited=b"r\x01x")), range(2)):
        assert lately.encoded(Piece("a"), host, some, behind) == encode_virtual_host(host, some, behind)


def test_only_so_many_are_remembered() -> None:
    lately = Lately()
    for number in range(2 * MOST):
        lately.encoded(Piece(f"h{number}"), ir.VirtualHost(f"h{number}", f"h{number}.test"), [], IN_FRONT)
    assert len(lately) == MOST
