"""Weights that do not add up."""

from collections.abc import Iterator
from typing import Final

from lint.findings import Code, Found
from lint.rules.world import Rule, World
from translator.emissary.mappings import Member
from translator.emissary.weights import WHOLE


def _mapping(name: str, weight: int | None) -> str:
    more = f", weight: {weight}" if weight is not None else ""
    return f"""---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: {name}}}
spec: {{hostname: "*", prefix: /quote/, service: {name}{more}}}
"""


SUM: Final = Code(
    id="DRG0713",
    title="weights of less than 100 %",
    severity="warning",
    why="Each of the Mappings for the same requests has a weight, and together they are less than 100. The rest of the "
    "requests goes to whichever Mapping with a shorter prefix fits, or is answered 404.",
    mend="Let the weights be 100 together, or leave one out: that one gets the rest.",
    wrong=_mapping("old", 60) + _mapping("new", 30),
    right=_mapping("old", None) + _mapping("new", 30),
)
ALONE: Final = Code(
    id="DRG0714",
    title="weight of a Mapping that is alone",
    severity="advice",
    why="A weight divides requests among Mappings for the same ones. A Mapping that is alone gets all of them, "
    "whatever "
    "its weight is. Often the other one's prefix, hostname or method differs by a slip.",
    mend="Remove the weight, or let the other Mapping ask for exactly the same.",
    wrong=_mapping("quote", 50),
    right=_mapping("quote", None),
)


def find(world: World) -> Iterator[Found]:
    """The groups whose weights are less than they should be."""
    for members in world.judgement.groups.values():
        placed = {key: member for key, member in members.items() if not member.spec.shadow}
        weights = [member.spec.weight for member in placed.values()]
        known = [key for key in placed if key in world.judgement.objects]
        if not any(weights) or not known:
            continue
        if len(placed) == 1:
            if _weight(placed[known[0]]) < WHOLE:
                said = "has no effect: no other Mapping asks for the same requests, so that it gets all of them"
                yield Found(ALONE, known[0], "spec.weight", said)
            continue
        total = sum(weight or 0 for weight in weights)
        if None not in weights and total < WHOLE:
            last = max(known, key=lambda key: placed[key].called)
            others = ", ".join(sorted(placed[key].called for key in placed if key != last)[:8])
            said = f"makes {total} % with those of {others}: {WHOLE - total} % of the requests are not for them"
            yield Found(SUM, last, "spec.weight", said)


def _weight(member: Member) -> int:
    return WHOLE if member.spec.weight is None else member.spec.weight


RULE: Final = Rule((SUM, ALONE), find)
