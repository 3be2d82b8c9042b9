"""A ConsulResolver asks none of our own ports; what it would ask is read as the watcher reads it."""

import pytest

from translator.emissary.own_ports import OwnPorts
from translator.emissary.resolvers import _asked_at
from translator.options import Options, OwnPort
from watcher.consul import base_url


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.0.0.1:8877", "[::1]:8877", "http://127.0.0.1", "https://[::1]", "http://localhost:8877"],
)
def test_where_consul_is_asked_is_where_the_watcher_asks(address: str) -> None:
    host, port = _asked_at(address)
    scheme, _, rest = base_url(address, "", {}).partition("://")
    said = f"[{host}]" if ":" in host else host
    assert rest in {f"{said}:{port}", said}
    assert ":" in rest.rpartition("]")[2] or port == {"http": 80, "https": 443}[scheme]


@pytest.mark.parametrize("address", ["$NAME", "${NAME}:8877", "127.0.0.1:$PORT", "http://$HOST/"])
def test_what_the_environment_says_is_not_known(address: str) -> None:
    assert _asked_at(address) == ("", 0)


def test_consuls_usual_port_may_be_ours() -> None:
    own = OwnPorts(Options(own_ports=(OwnPort("0.0.0.0", 8500, "diagnostics", closed=True),)))
    assert own.is_closed(*_asked_at("127.0.0.1"))
    assert not own.is_closed(*_asked_at("127.0.0.1:8501"))
