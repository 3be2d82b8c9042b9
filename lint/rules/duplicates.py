"""Mappings of several namespaces for the same requests: two teams have chosen the same host and path."""

from collections.abc import Iterator
from typing import Final

from lint.findings import Code, Found
from lint.rules.world import Rule, World


def _mapping(namespace: str, prefix: str) -> str:
    return f"""---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: quote, namespace: {namespace}}}
spec: {{hostname: "*", prefix: {prefix}, service: quote}}
"""


DUPLICATE: Final = Code(
    id="DRG0712",
    title="the same requests in two namespaces",
    severity="warning",
    why="Mappings of different namespaces ask for the same requests, and divide them. That is seldom meant: two teams "
    "have "
    "chosen the same path, and each gets a part of the other's requests. It is not told where each has a weight, as a "
    "canary of two namespaces has.",
    mend="Choose another prefix or hostname, or give each a weight where the requests are to be divided.",
    wrong=_mapping("team-a", "/quote/") + _mapping("team-b", "/quote/"),
    right=_mapping("team-a", "/quote/") + _mapping("team-b", "/quotes/"),
)


def find(world: World) -> Iterator[Found]:
    """The Mappings of each group with several namespaces, and which others there are."""
    for members in world.judgement.groups.values():
        if len(members) < 2 or len({member.namespace for member in members.values()}) < 2:
            continue
        if all(member.spec.weight is not None for member in members.values()):
            continue
        for key, member in members.items():
            others = sorted(each.called for each in members.values() if each.namespace != member.namespace)
            if key in world.judgement.objects and not member.spec.shadow:
                more = f" and {len(others) - 1} more" if len(others) > 1 else ""
                yield Found(DUPLICATE, key, "spec.prefix", f"asks for the same requests as {others[0]}{more}")


RULE: Final = Rule((DUPLICATE,), find)
