"""`cors`: which pages of other sites may read answers."""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, Final

from translator.checks import token
from translator.decode import Decoded, Problem, Rule, kind_shown, quote, rule
from translator.decoding.findings import Findings
from translator.filters.cors import CrossOrigin, origin_of
from translator.values import dataclass

Word = Annotated[str, Rule(check=token, schema={"minLength": 1})]
MOST_ORIGINS: Final = 1_000


def _read_origins(value: object) -> Decoded[tuple[str, ...]]:
    """Read origins; one that no browser names is left out and told, since it lets nobody in."""
    if not isinstance(value, list):
        return Decoded(None, (Problem("", f"must be a list, not {kind_shown(value)}"),))
    problems, found = Findings(), []
    for index, text in enumerate(value):
        if isinstance(text, str) and origin_of(text):
            found.append(text)
            continue
        shown = quote(text) if isinstance(text, str) else kind_shown(text)
        wanted = "must be an origin such as https://example.com or https://*.example.com, or *"
        problems.add(Problem(f"[{index}]", f"{wanted}, not {shown}; it is left out", stops=False))
    return Decoded(tuple(found), problems.told())


Origins = Annotated[tuple[str, ...], Rule(convert=_read_origins, schema={"x-kubernetes-preserve-unknown-fields": True})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Which pages of other sites may read answers."""

    origins: Origins = field(
        default=(),
        metadata=rule(
            "Sites, such as https://example.com; `https://*.example.com` is what is below it; `*` all.",
            max_size=MOST_ORIGINS,
        ),
    )
    methods: tuple[Word, ...] = field(default=(), metadata=rule("Methods that they may use besides the plain ones."))
    headers: tuple[Word, ...] = field(default=(), metadata=rule("Headers that they may send besides the plain ones."))
    exposed_headers: tuple[Word, ...] = field(
        default=(), metadata=rule("Headers of answers that they may read besides the plain ones.")
    )
    credentials: bool = field(default=False, metadata=rule("Whether requests may have cookies and the like."))
    max_age: str | None = field(
        default=None,
        metadata=rule(
            "For how many seconds a browser may rely on this; a text.",
            pattern="-?[0-9]{1,10}",
            hint="a number of seconds",
        ),
    )
    v2CommaSeparatedOrigins: bool = field(  # noqa: N815
        default=False, metadata=rule("How an older version said it.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        if self.credentials and "*" in self.origins:
            said = "lets every site act as the user who visits it, since origins has *"
            yield Problem("credentials", said, stops=False)


def cross_origin_of(own: Cors | None, default: Cors | None) -> CrossOrigin | None:
    """The policy of a route: its own, else the Module's."""
    cors = default if own is None else own
    if cors is None:
        return None
    return CrossOrigin(
        tuple([origin for text in cors.origins if (origin := origin_of(text))]),
        cors.methods,
        cors.headers,
        cors.exposed_headers,
        credentials=cors.credentials,
        max_age=cors.max_age or "",
    )
