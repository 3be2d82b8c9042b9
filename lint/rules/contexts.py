"""TLSContexts that nobody uses."""

from collections.abc import Iterator
from typing import Any, Final

from lint.findings import Code, Found
from lint.rules.world import Rule, World
from translator.emissary.hostnames import overlap, without_port
from translator.ir import ObjectKey

KIND: Final = "getambassador.io/TLSContext"
HOST: Final = "getambassador.io/Host"
TCP: Final = "getambassador.io/TCPMapping"

_CONTEXT: Final = """apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: upstream}
spec: {sni: quote.example.com}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
"""

UNUSED: Final = Code(
    id="DRG0621",
    title="TLSContext that nobody uses",
    severity="advice",
    why="No Mapping, TCPMapping, service of the gateway's or Host names the TLSContext, no Host has its name before "
    "`-context`, and it lists no name that a Host or TCPMapping serves.",
    mend="Name it where it is meant to be used, or remove it.",
    wrong=_CONTEXT + 'spec: {hostname: "*", prefix: /quote/, service: "https://quote"}\n',
    right=_CONTEXT + 'spec: {hostname: "*", prefix: /quote/, service: quote, tls: upstream}\n',
)


def find(world: World) -> Iterator[Found]:
    """The TLSContexts to which nothing leads, as far as names tell."""
    contexts = list(world.of_kind(KIND))
    if not contexts:
        return
    named, served = _named(world), _served(world)
    for key in contexts:
        _, _, namespace, name = key.split("/")
        if named & {name, f"{name}.{namespace}"}:
            continue
        listed = world.spec(key).get("hosts")
        hosts = [host for host in listed if isinstance(host, str)] if isinstance(listed, list) else []
        if not any(overlap(host.lower(), other) or host == other for host in hosts for other in served):
            yield Found(UNUSED, key, "", "is used by nobody: nothing names it, and it lists no name that is served")


RULE: Final = Rule((UNUSED,), find)


def _named(world: World) -> set[str]:
    """The names of TLSContexts that are named, or implied."""
    found: set[str] = set()
    for key in world.judgement.objects:
        if not key.startswith("getambassador.io/"):
            continue
        if key.startswith(f"{HOST}/"):
            found.add(f"{key.rpartition('/')[2]}-context")
        if b'"tls' in world.judgement.objects[key]:
            found |= set(_names(world.spec(key)))
    return found


def _names(spec: dict[str, Any]) -> Iterator[str]:
    for given in (spec.get("tls"), spec.get("tlsContext")):
        name = given.get("name") if isinstance(given, dict) else given
        if isinstance(name, str):
            yield name


def _served(world: World) -> set[str]:
    """The names that Hosts and TCPMappings serve, and those of the Hosts themselves."""
    found: set[str] = set()
    for key in world.judgement.objects:
        field = {HOST: "hostname", TCP: "host"}.get(_kind(key))
        name = world.spec(key).get(field) if field else None
        if isinstance(name, str):
            found |= {name.lower(), without_port(name.lower())}
        if field == "hostname":
            found.add(key.rpartition("/")[2])
    return found


def _kind(key: ObjectKey) -> str:
    return key.rpartition("/")[0].rpartition("/")[0]
