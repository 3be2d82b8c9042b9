"""examples/services as it is run: what each file says to ask is answered, and nothing is told of any object."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.support import plain
from tests.support.envoy import wait_until
from tests.support.gateway import ROOT, Gateway
from tests.support.ports import unused_ports

pytestmark = [pytest.mark.envoy, pytest.mark.system]

FOLDER = ROOT / "examples/services"
PORTS = ("8080", "8089", "9000")
FILES = sorted(path.name for path in FOLDER.glob("*.yaml") if "#   curl " in path.read_text())


@pytest.fixture(scope="module")
def ports() -> dict[str, str]:
    """Free ports in place of those in the files."""
    return dict(zip(PORTS, map(str, unused_ports(len(PORTS))), strict=True))


def with_ports(text: str, ports: dict[str, str]) -> str:
    return re.sub("|".join(PORTS), lambda found: ports[found[0]], text)


@pytest.fixture(scope="module")
def running(ports: dict[str, str]) -> Iterator[Gateway]:
    gateway = Gateway(listeners=False)
    for path in FOLDER.glob("*.yaml"):
        gateway.apply(path.stem, with_ports(path.read_text(), ports))
    with gateway:
        yield gateway


@pytest.mark.parametrize("name", FILES)
def test_what_an_example_says_to_ask_is_answered(running: Gateway, ports: dict[str, str], name: str) -> None:
    text = with_ports((FOLDER / name).read_text(), ports)
    for url in re.findall(r"^#   curl (\S+)", text, re.MULTILINE):
        assert wait_until(lambda url=url: answer(url), what=url).status_code == httpx.codes.OK


def answer(url: str) -> httpx.Response | None:
    try:
        found = plain.get(url, timeout=10)
    except httpx.TransportError:
        return None
    return found if found.status_code == httpx.codes.OK else None


def test_nothing_is_told_of_any_example(running: Gateway) -> None:
    """But of the Listener: that it serves every hostname, since there is no Host."""
    told = {key for key, row in running.diag()["objects"].items() if row.get("problems")}
    assert told <= {"getambassador.io/Listener/default/http"}
