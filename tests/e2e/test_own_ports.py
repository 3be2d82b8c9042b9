"""Our own ports: nobody's object takes one, and no name that an object can use leads to the diagnostics.

The translator knows some of the names, and tells. That the port itself holds is shown with one that knows none.
"""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from process.settings import Settings
from tests.support import plain
from tests.support.consul import ConsulServer
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, endpoint_slice, host, mapping, service
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream
from translator.settings import Machine

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "leak.test"
DIAG = "/ambassador/v0/diag/"
ALIVE = "/ambassador/v0/check_alive"
BLIND = """
import sys
if "entrypoint" in sys.orig_argv:  # the translator is a fork of a fork of it
    from translator.emissary import own_ports
    own_ports.OwnPorts.is_closed = lambda self, host, number: False
    own_ports.OwnPorts.leading_here = lambda self, slices: frozenset()
"""
LISTENERS_AT_ALL = {"AMBASSADOR_ENVOY_BIND_ADDRESS": "0.0.0.0"}
OURS = {"AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "0.0.0.0", **LISTENERS_AT_ALL}


def tcp_mapping(name: str, port: int, to: str, **spec: Any) -> str:
    namespace = spec.pop("namespace_", "default")
    return an_object("TCPMapping", name, {"port": port, "service": to, **spec}, namespace=namespace)


def own_addresses() -> list[str]:
    return sorted(each for each in Machine.this().addresses if ":" not in each)


def spellings() -> dict[str, str]:
    """Everything that can be written in `service` for this machine, each by a name."""
    own = own_addresses()
    written = ["127.0.0.1", "127.9.9.9", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "LocalHost."]
    written += ["foo.localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", socket.gethostname(), *own]
    written += [f"[::ffff:{address}]" for address in own if address != "127.0.0.1"]
    return {f"s{number}": text for number, text in enumerate(dict.fromkeys(written))}


def services(port: int) -> str:
    """Services that lead here: by their names in DNS, and by their endpoints."""
    texts = "".join(
        service(f"alias{number}", {}, type="ExternalName", externalName=name)
        for number, name in enumerate(("localhost", "a.localhost", "127.0.0.1", socket.gethostname(), "alias0"))
    )
    for number, address in enumerate(dict.fromkeys(["127.0.0.1", "127.0.0.2", *own_addresses()])):
        texts += service(f"near{number}", {"http": 80})
        texts += endpoint_slice(f"near{number}-1", f"near{number}", {"http": port}, {"addresses": [address]})
    return texts


def names_of(texts: str) -> list[str]:
    found = [json.loads(text) for text in texts.split("\n---\n") if text]
    return [each["metadata"]["name"] for each in found if each["kind"] == "Service"]


def leaks(port: int) -> tuple[str, list[str]]:
    """Mappings to all of them, and their prefixes."""
    aliases = services(port)
    targets = {short: f"{text}:{port}" for short, text in spellings().items()}
    targets |= {name: f"{name}:{port}" if name.startswith("alias") else f"{name}:80" for name in names_of(aliases)}
    texts = host(NAME, NAME) + aliases
    for short, to in targets.items():
        for kind, more in {"plain": {}, "h2": {"grpc": True}, "ws": {"allow_upgrade": ["websocket"]}}.items():
            texts += mapping(f"{short}-{kind}", NAME, to, f"/{short}-{kind}/", rewrite="/", **more)
        texts += mapping(f"{short}-bare", NAME, to, f"/{short}-bare/", rewrite="/", remove_request_headers=["x-a"])
    return texts, [f"/{short}-{kind}/" for short in targets for kind in ("plain", "h2", "ws", "bare")]


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose translator takes every name for that of somebody else."""
    folder = tmp_path_factory.mktemp("blind")
    (folder / "sitecustomize.py").write_text(BLIND)
    root = str(Path(__file__).parents[2])
    with Gateway(environ={**OURS, "PYTHONPATH": f"{root}:{folder}"}) as gateway:
        yield gateway


def test_no_spelling_leads_to_the_diagnostics_even_if_the_translator_knew_none(
    blind: Gateway, red: HttpUpstream
) -> None:
    texts, prefixes = leaks(blind.diagnostics_port)
    with blind.applied(NAME, texts + mapping("near", NAME, red.service, "/near/")):
        blind.wait_served(NAME, "/near/")
        blind.wait_served(NAME, "/s0-plain" + DIAG, status=403)  # it is reached, and does not answer
        reached = set()
        for prefix in prefixes:
            upgrade = {"connection": "upgrade", "upgrade": "websocket"} if prefix.endswith("-ws/") else {}
            for path in (f"{DIAG}?json=true", "/metrics", ALIVE, "/"):
                answer = blind.request(NAME, prefix.rstrip("/") + path, headers=upgrade)
                assert answer.status_code >= 400, (prefix, path)
                assert "no such path" not in answer.text
                if answer.status_code == 403:
                    reached.add(prefix)
        assert len(reached) > 20, "the test is about something"
        # Who asks for himself is answered, as port-forward does; and so are our own routes, through Envoy.
        assert blind.diagnostics(f"{DIAG}?json=true").status_code == 200
        assert blind.request(NAME, ALIVE).text == "alive\n"
        assert blind.request(NAME, "/ambassador/v0/check_ready").text == "ready\n"


def test_no_tcp_mapping_leads_to_the_diagnostics_even_if_the_translator_knew_none(blind: Gateway) -> None:
    diagnostics = blind.diagnostics_port
    aliases = services(diagnostics)
    targets = {short: f"{text}:{diagnostics}" for short, text in spellings().items()}
    targets |= {name: f"{name}:{diagnostics if name.startswith('alias') else 80}" for name in names_of(aliases)}
    ports = {short: unused_port() for short in targets}
    texts = aliases + "".join(tcp_mapping(short, ports[short], to) for short, to in targets.items())
    with blind.applied("tcp", texts):
        reached = 0
        wait_until(lambda: told(ports["s0"]), what="the first is open")
        for short, port in ports.items():
            wait_until(lambda port=port: is_open(port), what=f"{targets[short]} is open")
            for path in (f"{DIAG}?json=true", "/metrics"):  # health is no secret, and does not wait for long looks
                status = told(port, path)
                assert status in {None, 403}, (targets[short], path)
                reached += status == 403
        assert reached > 20, "the test is about something"
        assert blind.diagnostics("/metrics").status_code == 200


def told(port: int, path: str = "/metrics") -> int | None:
    """The status of an answer at a port; None when the connection is shut."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def by_resolvers(gateway: Gateway, consul: ConsulServer) -> tuple[str, dict[str, str]]:
    """What leads to the diagnostics by a resolver, and who is to be told, in which field."""
    port = gateway.diagnostics_port
    consul.register("leak", "127.0.0.1", port)
    kinds = {"catalog": {"address": consul.address}, "asks-us": {"address": f"127.0.0.1:{port}"}}
    kinds |= {"asks-here": {"address": f"http://localhost:{port}/"}}
    texts = host("resolved", "resolved.test") + services(port)
    texts += "".join(an_object("ConsulResolver", name, {"datacenter": "dc1", **it}) for name, it in kinds.items())
    texts += an_object("KubernetesServiceResolver", "dns", {}) + an_object("KubernetesEndpointResolver", "slices", {})
    told = {f"ConsulResolver/default/{name}": "spec.address" for name in kinds if name != "catalog"}
    for name in kinds:
        texts += mapping(name, "resolved.test", "leak", f"/{name}/", rewrite="/", resolver=name)
        told[f"Mapping/default/{name}"] = "spec.service" if name == "catalog" else "spec.resolver"
    for by in ("dns", "slices"):
        for to in ("alias0:{}", "near0:80", "localhost:{}", "127.0.0.1:{}"):
            name = f"{by}-{to.partition(':')[0].replace('.', '-')}"
            texts += mapping(name, "resolved.test", to.format(port), f"/{name}/", rewrite="/", resolver=by)
            told[f"Mapping/default/{name}"] = "spec.service"
    return texts, told


def test_no_resolver_leads_to_the_diagnostics_and_it_is_told(gateway: Gateway) -> None:
    with ConsulServer() as consul:
        texts, told_of = by_resolvers(gateway, consul)
        with gateway.applied("resolved", texts):
            for key, field in told_of.items():
                words = field, "ConsulResolver default/" if field == "spec.resolver" else "diagnostics"
                wait_until(
                    lambda key=key, words=words: [
                        each
                        for each in problems_of(gateway, f"getambassador.io/{key}")
                        if all(word in each for word in words)
                    ],
                    what=lambda key=key: f"{key} is told: {problems_of(gateway, f'getambassador.io/{key}')}",
                )
            for key in told_of:
                name = key.rpartition("/")[2]
                for path in (f"{DIAG}?json=true", "/metrics"):
                    assert gateway.request("resolved.test", f"/{name}{path}").status_code >= 400, name
        assert consul.asked, "the test is about something"


def test_no_resolver_leads_to_the_diagnostics_even_if_the_translator_knew_none(blind: Gateway) -> None:
    with ConsulServer() as consul:
        texts, told_of = by_resolvers(blind, consul)
        with blind.applied("resolved", texts):
            blind.wait_served("resolved.test", "/catalog" + DIAG, status=403)  # it is reached, and does not answer
            for key in told_of:
                name = key.rpartition("/")[2]
                for path in (f"{DIAG}?json=true", "/metrics"):
                    assert blind.request("resolved.test", f"/{name}{path}").status_code >= 400, name
            said = "it answers 403"
            wait_until(
                lambda: said in str(problems_of(blind, "getambassador.io/Mapping/default/asks-us")),
                what="nor is the watcher answered that asks it for a Consul",
            )


def test_whoever_is_no_part_is_answered_at_every_address(blind: Gateway) -> None:
    script = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=20).status)"
    for address in own_addresses():
        url = f"http://{address}:{blind.diagnostics_port}{DIAG}?json=true"
        assert plain.get(url, timeout=20).status_code == 200
        asked = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
        assert asked.stdout == "200\n"


def test_the_mark_of_what_comes_through_a_gateway_cannot_be_removed(gateway: Gateway, red: HttpUpstream) -> None:
    texts = host("mark", "mark.test") + mapping("kept", "mark.test", red.service, "/kept/")
    texts += mapping("less", "mark.test", red.service, "/less/", remove_request_headers=["X-Dragoman-Via"])
    with gateway.applied("mark", texts):
        gateway.wait_served("mark.test", "/kept/")
        answer = gateway.request("mark.test", "/kept/", headers={"x-dragoman-via": "mine"})
        assert answer.json()["headers"]["x-dragoman-via"] == "1"
        assert gateway.request("mark.test", "/less/").status_code == 404
        (problem,) = gateway.diag()["objects"]["getambassador.io/Mapping/default/less"]["problems"]
        assert problem["path"] == "spec.remove_request_headers[0]"


# Ports


def listening(gateway: Gateway) -> set[int]:
    """The TCP ports that the gateway's processes listen on."""
    sockets = set()
    for pid in gateway._descendants():
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                sockets.add(str(descriptor.readlink()))
    rows = [line.split() for table in ("tcp", "tcp6") for line in _table(table)]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def _table(name: str) -> list[str]:
    return Path("/proc/net", name).read_text().splitlines()[1:]


def test_our_own_ports_are_all_that_is_open_beside_envoys_listeners(gateway: Gateway) -> None:
    gateway.wait_served("some.test", ALIVE)
    said = {"AMBASSADOR_HEALTHCHECK_BIND_PORT": str(gateway.diagnostics_port)}
    own = {port.number for port in Settings.from_environment(said).own_ports}
    wait_until(
        lambda: listening(gateway) - own <= {gateway.http_port, gateway.https_port},
        what=lambda: f"no other, when what tests before opened is shut: {listening(gateway)}",
    )
    assert own <= listening(gateway)


def problems_of(gateway: Gateway, key: str) -> list[str]:
    found = gateway.diag()["objects"].get(key, {}).get("problems", [])
    return [f"{problem['path']}: {problem['message']}" for problem in found]


def wait_told(gateway: Gateway, key: str) -> str:
    return wait_until(lambda: "\n".join(problems_of(gateway, key)), what=f"{key} is told")


def test_the_port_of_the_diagnostics_is_nobodys_even_while_they_restart(red: HttpUpstream) -> None:
    with Gateway(environ=OURS) as gateway:
        number = gateway.diagnostics_port
        listener = {"port": number, "protocol": "HTTP", "securityModel": "XFP"}
        listener |= {"hostBinding": {"namespace": {"from": "ALL"}}}
        gateway.apply("greedy", an_object("Listener", "greedy", listener) + tcp_mapping("greedy", number, red.service))
        gateway.apply("near", tcp_mapping("near", number, red.service, address="127.0.0.1"))
        keys = ["Listener/default/greedy", "TCPMapping/default/greedy", "TCPMapping/default/near"]
        for key in keys:
            said = wait_told(gateway, f"getambassador.io/{key}")
            assert f"spec.port: {number} is a port of Dragoman's own, for diagnostics at 0.0.0.0" in said
        old = gateway.kill("diagnostics")
        wait_until(lambda: gateway.pid_of("diagnostics") not in {None, old}, what="they are back")
        wait_until(gateway.is_ready, what="ready again")
        assert "Address already in use" not in gateway.log()


def test_a_port_that_was_taken_while_the_diagnostics_were_away_is_waited_for(red: HttpUpstream) -> None:
    with Gateway() as gateway:
        gateway.apply("red", host("red", "red.test") + mapping("red", "red.test", red.service))
        gateway.wait_served("red.test")
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            old = gateway.kill("diagnostics")

            def stolen() -> bool:
                try:
                    thief.bind(("127.0.0.1", gateway.diagnostics_port))
                except OSError:
                    return False
                return True

            took = _take(stolen, gateway, old)
            thief.listen()
            assert took
            wait_until(lambda: "cannot listen" in gateway.log(), what="it is told")
            # Envoy's own probe has its answer all the while, and nothing ends.
            gateway.wait_served("red.test", ALIVE)
            assert gateway.request("red.test").status_code == 200
        wait_until(gateway.is_ready, what="it has its port again")
        assert gateway.stop() == 0


def _take(take: Any, gateway: Gateway, pid: int) -> bool:
    """Try until the port could be taken in the moment in which the diagnostics were away."""
    for _ in range(50):
        for _ in range(2000):
            if take():
                return True
        wait_until(gateway.is_ready, what="they were quicker")
        gateway.kill("diagnostics")
    return False
