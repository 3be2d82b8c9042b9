"""Whose requests are counted by route: by namespace, under the name of the object that somebody wrote."""

import pytest

from envoyapi.reading import fields
from process.settings import Settings, SettingsError
from translator import ir
from translator.counting import counting
from translator.xds.route import encode_route

KEY = "getambassador.io/Mapping/team/x"


@pytest.mark.parametrize(
    ("namespaces", "key", "name"),
    [
        ({"*"}, KEY, "Mapping/team/x"),
        ({"team"}, KEY, "Mapping/team/x"),
        ({"other"}, KEY, None),
        ({"*"}, "getambassador.io/Mapping/team/shop/0-1", "Ingress/team/shop"),
    ],
)
def test_an_object_is_counted_under_its_name(namespaces: set[str], key: str, name: str | None) -> None:
    counted = counting(frozenset(namespaces))
    assert counted is not None
    assert counted(key) == name


def test_only_what_is_forwarded_says_where_it_is_counted() -> None:
    match = ir.RouteMatch(ir.PathMatch("prefix", "/"))
    counted = counting(frozenset("*"))
    backend = ir.WeightedBackend(ir.Backend(ir.DnsName("x.test", 80)))
    forwards = ir.Route("r", match, ir.Forward((backend,)), (0,), origins=(KEY,))
    redirects = ir.Route("r", match, ir.Redirect(host="y.test"), (0,), origins=(KEY,))
    assert dict(fields(encode_route(forwards, counted).whole))[19] == b"Mapping/team/x"
    assert encode_route(forwards, counting(frozenset())).whole == encode_route(forwards).whole
    assert encode_route(redirects, counted).whole == encode_route(redirects).whole


def test_the_setting_is_all_none_or_namespaces() -> None:
    def said(text: str) -> frozenset[str]:
        return Settings.from_environment({"DRAGOMAN_CONFIG_DIR": "x", "DRAGOMAN_ROUTE_STATS": text}).route_stats

    assert (said("all"), said("None"), said("a, b")) == ({"*"}, frozenset(), {"a", "b"})
    with pytest.raises(SettingsError, match="DRAGOMAN_ROUTE_STATS: 'Team' is not the name of a namespace"):
        said("Team")
