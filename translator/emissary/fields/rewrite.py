"""`rewrite` and `regex_rewrite`: what becomes of the path on its way to the backend."""

from collections.abc import Iterable
from dataclasses import field

from translator import ir
from translator.checks import Regex, regex_substitution
from translator.decode import Invalid, Problem, rule
from translator.dot_segments import substitution_without_dots
from translator.emissary.pitfalls import of_path_regex, of_substitution
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexSubstitution:
    """A regular expression, and what its matches become."""

    pattern: Regex = field(metadata=rule("What is replaced."))
    substitution: str = field(metadata=rule(r"What it becomes; \1 is what the first group caught."))

    def cross_check(self) -> Iterable[Problem]:
        """Groups that are used must exist, and what is written must not lead elsewhere by itself."""
        try:
            substitution_without_dots(regex_substitution(self.pattern, self.substitution))
        except Invalid as invalid:
            yield Problem("substitution", invalid.message)
        yield from (Problem("substitution", reason, stops=False) for reason in of_substitution(self.substitution))
        yield from (Problem("pattern", reason, stops=False) for reason in of_path_regex(self.pattern))

    def rewrite(self) -> ir.Rewrite:
        """The same in the IR."""
        return ir.Rewrite("regex", self.substitution, self.pattern)


def rewrite_of(own: str, regexes: Iterable[RegexSubstitution | None], path: ir.PathMatch) -> ir.Rewrite | None:
    """What becomes of a Mapping's path: a group's last regex_rewrite, else its own rewrite; empty leaves it alone.

    Args:
        own: the Mapping's `rewrite`.
        regexes: the `regex_rewrite` of all members of its group, in their order.
        path: what the Mapping matches.
    """
    last = None
    for given in regexes:
        last = given or last
    if last is not None:
        return last.rewrite()
    if path.kind == "prefix" and own.endswith("/") and not path.text.endswith("/"):
        return ir.Rewrite("joined", own)
    return ir.Rewrite("matched", own) if own else None
