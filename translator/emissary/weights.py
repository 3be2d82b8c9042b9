"""Canaries: which share of the requests each Mapping of a group gets.

Envoy draws one number for a request and compares it with the share of one route after the other, so the shares are
cumulative: 70 and 100 give the first 70 of 100 requests and the second 30.
"""

from collections.abc import Sequence
from typing import Final

from translator.values import dataclass

WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Shares:
    """How a group divides its requests.

    `reached` are pairs of a member's position and its cumulative share, in the order of evaluation; `refused` the
    positions of those that would take the sum beyond 100.
    """

    reached: tuple[tuple[int, int], ...]
    refused: tuple[int, ...] = ()


def shares_of(weights: Sequence[int | None]) -> Shares:
    """Divide the requests among the members of a group, which come in their order.

    Those with a weight come first and get it, as long as the sum is at most 100; the others share what is left, equally
    but for one point. Where only one is served, it gets everything, whatever its weight says.
    """
    reached: list[tuple[int, int]] = []
    refused: list[int] = []
    total = 0
    for position, weight in enumerate(weights):
        if weight is None:
            continue
        if total + weight > WHOLE:
            refused.append(position)
        else:
            total += weight
            reached.append((position, total))
    free = [position for position, weight in enumerate(weights) if weight is None]
    for place, position in enumerate(free, 1):
        reached.append((position, total + (WHOLE - total) * place // len(free)))
    if len(reached) == 1:
        reached = [(reached[0][0], WHOLE)]
    return Shares(tuple(reached), tuple(refused))


def single_weights(shares: Shares) -> dict[int, int]:
    """Each member's own weight, for who does not want them cumulative; those that get nothing are left out."""
    weights: dict[int, int] = {}
    before = 0
    for position, reached in shares.reached:
        if reached > before:
            weights[position] = reached - before
        before = reached
    return weights
