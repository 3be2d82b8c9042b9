"""Mapping: which requests go where. What its fields say together, and what is wrong with that."""

from collections import abc
from collections.abc import Iterable
from operator import attrgetter
from typing import ClassVar, Final

from translator.checks import path_prefix, regex, token
from translator.decode import Invalid, Problem, Sort, Validation, join, quote, step
from translator.dot_segments import WRONG_IN_A_REWRITE
from translator.emissary.fields.redirect import Paths
from translator.emissary.kinds.mapping_fields import MappingFields
from translator.emissary.pitfalls import (
    is_plain_hostname,
    is_plain_path,
    of_hostname,
    of_path,
    of_path_regex,
    of_regex,
    of_retries,
)
from translator.fields.health_checks import health_problems
from translator.fields.shadow import WITHOUT_EFFECT, shadow_problems
from translator.fields.upstream import family_problems
from translator.values import sparse

AUTHORITY = ":authority"


@sparse(frozen=True, kw_only=True)
class MappingSpec(MappingFields):
    """A rule of routing: requests that match it go to its service."""

    SILENT: ClassVar[frozenset[str]] = frozenset({"v2ExplicitTLS", "v2BoolHeaders", "v2BoolQueryParameters"})
    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        Validation(
            r"has(self.prefix_regex) && self.prefix_regex || !self.prefix.matches(r'[\s\x00-\x1f\x7f?#]')",
            "prefix must not contain a query, a fragment, white space or control characters",
            touched=("prefix", "prefix_regex"),
        ),
        Validation(
            "!has(self.host) || !self.host.contains('*') || has(self.hostname) && self.hostname != ''"
            " || has(self.host_regex) && self.host_regex",
            "host must not hold *: use hostname",
            touched=("host", "hostname", "host_regex"),
        ),
        Validation(
            "!has(self.method) || self.method == '' || has(self.method_regex) && self.method_regex"
            """ || self.method.matches(r"^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")""",
            "method must be a method of HTTP, such as GET",
            touched=("method", "method_regex"),
        ),
        *(
            Validation(
                f"!has(self.{name}) || !self.{name}.matches(r'{WRONG_IN_A_REWRITE}')",
                f"{name} must not hold . or .. as a part of the path, nor end inside an escape",
                touched=(name,),
            )
            for name in ("rewrite", "path_redirect", "prefix_redirect")
        ),
    )

    @property
    def redirects(self) -> bool:
        """Whether clients are redirected; a shadow answers nobody."""
        return self.host_redirect and not self.shadow

    @property
    def redirect_paths(self) -> Paths:
        """What a redirect makes of the path."""
        return Paths(self.path_redirect, self.prefix_redirect, self.regex_redirect)

    @property
    def host_spelling(self) -> tuple[str, str] | None:
        """The field that says which host is asked for, as a path, and what it says; None when none does."""
        if self.hostname:
            return "hostname", self.hostname
        if self.host:
            return "host", self.host
        for name, value in (self.headers or {}).items():
            if name.lower() == AUTHORITY and value:
                return f"headers{step(name)}", value
        return None

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from self._host_problems()
        yield from family_problems(self)
        if self.prefix_regex or not is_plain_path(self.prefix):
            yield from _checked("prefix", self.prefix, regex if self.prefix_regex else _path)
        if self.prefix and not self.prefix_regex and not self.prefix.startswith("/"):
            said = "does not begin with /, as every path does: nothing asks for it"
            yield Problem("prefix", said, stops=False, sort="NeverAsked")
        if self.health_checks:
            yield from health_problems(self.health_checks, grpc=self.grpc)
        yield from self._pitfalls()
        if self.prefix_regex and self.prefix_exact:
            yield Problem("prefix_exact", "has no effect beside prefix_regex", stops=False)
        if self.method:
            yield from _checked("method", self.method, regex if self.method_regex else token)
        if self.regex_rewrite is not None and self.rewrite not in {"", "/"}:
            yield Problem("rewrite", "has no effect beside regex_rewrite", stops=False)
        if self.auto_host_rewrite and self.host_rewrite is not None:
            yield Problem("auto_host_rewrite", "has no effect beside host_rewrite", stops=False)
        if self.host_redirect or self.shadow or _PATHS(self) != _NO_PATHS:
            yield from self._redirect_problems()

    def _redirect_problems(self) -> Iterable[Problem]:
        if self.cors is not None and self.redirects:
            yield Problem("cors", "has no effect beside host_redirect: Envoy adds nothing to a redirect", stops=False)
        if self.labels is not None and self.redirects:
            said = "has no effect beside host_redirect: what is sent elsewhere is not counted"
            yield Problem("labels", said, stops=False)
        if self.shadow:
            yield from shadow_problems(self._said_in_vain(), self.load_balancer)
        elif self.path_redirect is not None or self.prefix_redirect is not None or self.regex_redirect is not None:
            yield from self.redirect_paths.problems(redirects=self.host_redirect)

    def _said_in_vain(self) -> Iterable[str]:
        if self.rewrite != "/":
            yield "rewrite"
        for name in WITHOUT_EFFECT:
            said = getattr(self, name)
            if said is not None and said is not False:
                yield name

    def _pitfalls(self) -> Iterable[Problem]:
        """What never takes effect as it is meant; what most Mappings have is seen to be good at once."""
        if self.prefix_regex:
            yield from _told("prefix", of_path_regex(self.prefix), "NeverAsked")
        elif not is_plain_path(self.prefix):
            yield from _told("prefix", of_path(self.prefix, exact=self.prefix_exact), "NeverAsked")
        if self.hostname and not is_plain_hostname(self.hostname):
            yield from _told("hostname", of_hostname(self.hostname), "NeverAsked")
        if self.retry_policy is not None:
            yield from _told("retry_policy.retry_on", of_retries(self.retry_policy.retry_on, http2=self.grpc))
        if self.regex_headers is None and self.regex_query_parameters is None:
            return
        for name, text in (self.regex_headers or {}).items():
            yield from _told(join("regex_headers", step(name)), of_regex(text))
        for name, text in (self.regex_query_parameters or {}).items():
            yield from _told(join("regex_query_parameters", step(name)), of_regex(text))

    def _host_problems(self) -> Iterable[Problem]:
        if self.hostname and not self.host:
            return
        spelling = self.host_spelling
        if spelling is None or spelling[0] == "hostname":
            if self.host:
                yield Problem("host", "has no effect beside hostname", stops=False)
            return
        where, text = spelling
        if where == "host" and self.host_regex:
            yield from _checked(where, text, regex)
        elif "*" in text:
            yield Problem(where, f"must not hold *, as {quote(text)} does: use hostname")


_PATHS: Final = attrgetter("path_redirect", "prefix_redirect", "regex_redirect")
_NO_PATHS: Final = (None, None, None)


def _told(where: str, reasons: Iterable[str], sort: Sort = "") -> Iterable[Problem]:
    return [Problem(where, reason, stops=False, sort=sort) for reason in reasons]


def _path(text: str) -> str:
    if "?" in text:
        raise Invalid(f"must not contain a query, as {quote(text)} does: use query_parameters")
    return path_prefix(text)


def _checked(where: str, text: str, check: abc.Callable[[str], str]) -> Iterable[Problem]:
    try:
        check(text)
    except Invalid as invalid:
        yield Problem(where, invalid.message, sort=invalid.sort)
