"""DRG04: two objects want the same; the first by name has it."""

from typing import Final

from lint.findings import Code


def _mapping(name: str, more: str) -> str:
    return f"""---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: {name}}}
spec: {{hostname: "*", prefix: /quote/, service: {name}, {more}}}
"""


def _object(kind: str, name: str, spec: str) -> str:
    return f"---\napiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


_LISTENER: Final = "{port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}"

OTHER: Final = Code(
    id="DRG0401",
    title="something that another object has",
    severity="error",
    why="Another object has what this one wants, and comes first by its name; this one is not served.",
    mend="Change or remove one of the two.",
    wrong=_object("RateLimitService", "one", "{service: limits, protocol_version: v3}")
    + _object("RateLimitService", "two", "{service: limits, protocol_version: v3}"),
    right=_object("RateLimitService", "one", "{service: limits, protocol_version: v3}"),
)
SHARES: Final = Code(
    id="DRG0402",
    title="weights of more than 100 %",
    severity="error",
    why="Mappings for the same requests divide them by their weights. Those that would take the sum beyond 100, in the "
    "order of their names, are not served.",
    mend="Lower the weights, so that they are at most 100 together.",
    wrong=_mapping("one", "weight: 60") + _mapping("two", "weight: 60"),
    right=_mapping("one", "weight: 40") + _mapping("two", "weight: 60"),
)
DISAGREEMENT: Final = Code(
    id="DRG0403",
    title="Mappings for the same requests that disagree",
    severity="error",
    why="Mappings for the same requests share a redirect and copies; who says otherwise than the first by name is not "
    "served.",
    mend="Say the same in all of them, or let one ask for other requests.",
    wrong=_mapping("one", "weight: 50") + _mapping("two", "host_redirect: true"),
    right=_mapping("one", "weight: 50") + _mapping("two", "weight: 50"),
)
HOSTNAME: Final = Code(
    id="DRG0404",
    title="hostname that another Host has",
    severity="error",
    why="Of Hosts with one hostname the first by name is served with its certificate and settings; the others are "
    "not, or "
    "only their Mappings are.",
    mend="Give the Hosts different hostnames, or make them one.",
    wrong=_object("Host", "one", "{hostname: a.example.com, tlsSecret: {name: one}}")
    + _object("Host", "two", "{hostname: a.example.com, tlsSecret: {name: two}}"),
    right=_object("Host", "one", "{hostname: a.example.com, tlsSecret: {name: one}}")
    + _object("Host", "two", "{hostname: b.example.com, tlsSecret: {name: two}}"),
)
PORT: Final = Code(
    id="DRG0405",
    title="port that another object has",
    severity="error",
    why="A port can be opened once: of Listeners and TCPMappings for one port the first by name has it, and ports of "
    "Dragoman's own are never given away.",
    mend="Choose another port, or remove one of the two.",
    wrong=_object("Listener", "one", _LISTENER) + _object("Listener", "two", _LISTENER),
    right=_object("Listener", "one", _LISTENER) + _object("Listener", "two", _LISTENER.replace("8080", "8081")),
)

CODES: Final = (OTHER, SHARES, DISAGREEMENT, HOSTNAME, PORT)
