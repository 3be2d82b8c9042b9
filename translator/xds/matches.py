"""Comparisons of texts and shares of requests, which routes, mirrors and redirects have in common."""

from envoyapi.config_core_v3 import RuntimeFractionalPercent
from envoyapi.type_matcher_v3 import RegexMatchAndSubstitute, RegexMatcher, StringMatcher
from envoyapi.type_v3 import FractionalPercent, FractionalPercentDenominatorType
from translator import ir

_DENOMINATORS = {
    100: FractionalPercentDenominatorType.HUNDRED,
    10_000: FractionalPercentDenominatorType.TEN_THOUSAND,
    1_000_000: FractionalPercentDenominatorType.MILLION,
}


def encode_share(share: ir.Share) -> RuntimeFractionalPercent:
    """A share of requests; Envoy draws one number a request and compares it with every share that it meets."""
    return RuntimeFractionalPercent(
        default_value=FractionalPercent(numerator=share.part, denominator=_DENOMINATORS[share.whole])
    )


def encode_text_match(match: ir.TextMatch) -> StringMatcher:
    """A comparison of texts."""
    return StringMatcher(
        exact=match.text if match.kind == "exact" else None,
        prefix=match.text if match.kind == "prefix" else None,
        suffix=match.text if match.kind == "suffix" else None,
        safe_regex=RegexMatcher(regex=match.text) if match.kind == "regex" else None,
        ignore_case=match.ignore_case,
    )


def encode_substitution(rewrite: ir.Rewrite) -> RegexMatchAndSubstitute:
    r"""A regex whose matches are replaced; `\1` in the text is what the first group caught."""
    return RegexMatchAndSubstitute(pattern=RegexMatcher(regex=rewrite.pattern), substitution=rewrite.text)
