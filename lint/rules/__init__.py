"""Advice: rules of lint's own, a file each, with their codes. A new one is a line in this list."""

from typing import Final

from lint.rules import certificates, contexts, duplicates, older, refused, shadowed, weights
from lint.rules.world import Rule, World

__all__ = ["RULES", "Rule", "World"]

RULES: Final[tuple[Rule, ...]] = (
    refused.RULE,
    certificates.RULE,
    contexts.RULE,
    shadowed.RULE,
    duplicates.RULE,
    weights.RULE,
    older.RULE,
)
