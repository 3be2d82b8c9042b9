"""What texts and numbers mean to Envoy and HTTP, as types that a dataclass can be annotated with.

Each check is a function that returns the value to keep or raises `Invalid`, so that rules can ask it too, and an
`Annotated` type that decoding and schemas understand: `port: Port | None = None`. What they accept, Envoy accepts: a
test asks a real one. Where they refuse what Envoy would take, it is what could never work (a `?` in a path prefix).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, Final

import re2

from translator.decode import Invalid, Rule, quote, show
from translator.dot_segments import path_without_dots
from translator.operators import check_operators
from translator.remembering import remembered, text_size

LONGEST_DURATION: Final = 9_223_372_035_999
"""Milliseconds; Envoy refuses longer durations, since it counts in nanoseconds of 63 bits."""

LONGEST_HEADER: Final = 16_384
"""Bytes; the limit of names and values in Envoy's `HeaderValue`."""

MOST_HEADERS: Final = 1_000
"""The headers that one of Envoy's routes adds at most, on the way to the backend and back each."""

LONGEST_SERVER_NAME: Final = 255
"""Bytes; the limit of Envoy's `UpstreamTlsContext.sni`."""

LONGEST_QUERY_NAME: Final = 1_024
"""Bytes; the limit of Envoy's `QueryParameterMatcher.name`."""

LARGEST_REGEX: Final = 1_000
"""The program size that our Envoy takes at most: `re2.max_program_size.error_level` in envoy/bootstrap.json."""

LONGEST_REGEX: Final = 4_096
"""Bytes: what is longer is larger than `LARGEST_REGEX`, but for oddities. RE2's time can grow with the square."""

MOST_REGEXES: Final = 100
"""Regular expressions in one map: each is compiled by Envoy's main thread and by us, and takes some KiB for good."""

MOST_UNICODE_CLASSES: Final = 20
"""In one expression. For RE2 each is hundreds of ranges."""

_REGEX_MEMORY: Final = 1 << 20
"""Bytes that RE2 may take for one: ten times what `LARGEST_REGEX` needs, so that what is far too large fails early."""

FRAMING: Final = frozenset(
    (
        *("connection", "http2-settings", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"),
        *("content-length", "transfer-encoding"),
    )
)
"""Headers about one connection, or where a message ends (RFC 9110, 7.6.1): an edit of one breaks every request."""

VIA_HEADER: Final = "x-dragoman-via"
"""What Envoy adds to each request that it passes on: the diagnostics of every gateway refuse what has it."""

SCOPE_HEADER: Final = "x-dragoman-scope"
"""What a request has between two look-ups of its route, where there are very many; see `translator.xds.scoped`."""

_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_IGNORES_CASE: Final = re.compile(r"\(\?[A-Za-z]*i")
_TOKEN: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_PATHS: Final = re.compile(r"[\s\x00-\x1f\x7f?#]")
_DURATION: Final = re.compile(r"(?:(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:ns|us|µs|μs|ms|s|m|h))+|0")
_PART: Final = re.compile(r"([0-9.]+)([a-zµμ]+)")
_MILLISECONDS: Final = {
    "ns": Fraction(1, 1_000_000),
    "us": Fraction(1, 1_000),
    "µs": Fraction(1, 1_000),
    "μs": Fraction(1, 1_000),
    "ms": Fraction(1),
    "s": Fraction(1_000),
    "m": Fraction(60_000),
    "h": Fraction(3_600_000),
}
_NAME: Final = "[A-Za-z0-9_.-]"
_HOST: Final = re.compile(
    rf"(?:\*{_NAME}*|{_NAME}+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?|{_NAME}+\*",
)

# Numbers

Port = Annotated[int, Rule(minimum=1, maximum=65_535)]
Percent = Annotated[int, Rule(minimum=0, maximum=100)]
Milliseconds = Annotated[int, Rule(minimum=0, maximum=LONGEST_DURATION)]
Count = Annotated[int, Rule(minimum=0, maximum=4_294_967_295)]
"""A number in one of Envoy's unsigned 32-bit fields."""


def duration_ms(value: object) -> int:
    """The milliseconds of a duration text, as Go's `time.ParseDuration` and Envoy write them: "3s", "1.5s", "1m30s".

    Raises:
        Invalid: when it is none, is negative, longer than Envoy can count, or finer than a millisecond.
    """
    if not isinstance(value, str):
        raise Invalid(f"must be a duration such as '1.5s' or '300ms', not {show(value)}")
    if not _DURATION.fullmatch(value):
        if value.startswith("-") and _DURATION.fullmatch(value[1:]):
            raise Invalid(f"must not be negative: {quote(value)}")
        raise Invalid(f"must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not {quote(value)}")
    total = sum(
        (Fraction(number.rstrip(".")) * _MILLISECONDS[unit] for number, unit in _PART.findall(value)), Fraction()
    )
    if total.denominator != 1:
        raise Invalid(f"must be a whole number of milliseconds, not {quote(value)}")
    if total > LONGEST_DURATION:
        raise Invalid(f"must be at most {LONGEST_DURATION}ms, not {quote(value)}")
    return int(total)


Duration = Annotated[
    int,
    Rule(
        convert=duration_ms,
        schema={"type": "string", "pattern": "^(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|^0$"},
    ),
]
"""A duration text; an integer of milliseconds in Python."""


# HTTP


def token(value: str) -> str:
    """A token of RFC 9110, section 5.6.2: letters, digits and some punctuation, without spaces."""
    if not _TOKEN.fullmatch(value):
        raise Invalid(f"must be letters, digits or any of !#$%&'*+-.^_`|~, not {quote(value)}")
    return value


def header_name(value: str) -> str:
    """The name of a header to look at: a token, or a pseudo-header such as `:authority`."""
    if not _TOKEN.fullmatch(value.removeprefix(":")):
        raise Invalid(f"must be a header name, not {quote(value)}")
    if len(value) > LONGEST_HEADER:
        raise Invalid(f"must have at most {LONGEST_HEADER} characters, not {len(value)}")
    return value


def edited_header_name(value: str) -> str:
    """The name of a header to add or remove: Envoy lets nobody touch pseudo-headers and Host in this way."""
    if value.startswith(":") or value.lower() == "host":
        raise Invalid(f"must not be {quote(value)}: Envoy changes neither Host nor pseudo-headers this way")
    if value.lower() == VIA_HEADER:
        raise Invalid(f"must not be {VIA_HEADER}: by it gateways know each other's requests")
    if value.lower() in FRAMING:
        raise Invalid(
            f"must not be {quote(value)}: it says how a message is sent on one connection, which Envoy decides"
        )
    return header_name(value)


def plain_text(value: str) -> str:
    """A text of any length that may stand in a header or a path: no line breaks or other control characters."""
    control = _CONTROL.search(value)
    if control:
        raise Invalid(f"must not contain {_character(control[0])}")
    return value


def header_text(value: str) -> str:
    """The value of a header to send as it is."""
    plain_text(value)
    if len(value.encode()) > LONGEST_HEADER:
        raise Invalid(f"must have at most {LONGEST_HEADER} bytes, not {len(value.encode())}")
    return value


def header_format(value: str) -> str:
    """The value of a header to add, in which Envoy fills in its command operators; a percent sign is `%%`."""
    check_operators(header_text(value))
    return value


def query_name(value: str) -> str:
    """The name of a query parameter to look at."""
    if not value:
        raise Invalid("must not be empty")
    if len(value.encode()) > LONGEST_QUERY_NAME:
        raise Invalid(f"must have at most {LONGEST_QUERY_NAME} bytes, not {len(value.encode())}")
    return plain_text(value)


def path_prefix(value: str) -> str:
    """A path, or the beginning of one: no query, no fragment, no white space."""
    wrong = _NOT_IN_PATHS.search(value)
    if wrong:
        raise Invalid(f"must not contain {_character(wrong[0])}: {quote(value)}")
    return value


def rewritten_path(value: str) -> str:
    """What a path, or its beginning, becomes; a query may follow it. Empty leaves it alone."""
    if value and not value.startswith("/"):
        raise Invalid(f"must begin with /, as every path does, unlike {quote(value)}")
    return path_without_dots(plain_text(value))


def _character(character: str) -> str:
    return {"\n": "a line break", "\r": "a line break", "\x00": "a NUL", " ": "a space", "\t": "a tab"}.get(
        character, quote(character)
    )


HOST_SCHEMA: Final = {"pattern": f"^(?:{_HOST.pattern})?$".replace("?P<port>", ""), "maxLength": 253}
"""What a schema can say of a `host_glob`; it lets the empty one and ports that are too large pass."""


def host_glob(value: str) -> str:
    """A host name as Envoy's virtual hosts and Emissary's objects match it, in the letters that DNS has.

    An exact name or address, `*` or a suffix after `*`, each with or without `:port`; or a prefix before `*`.
    """
    if not value:
        raise Invalid("must not be empty; '*' means every host")
    match = _HOST.fullmatch(value)
    if not match:
        raise Invalid(f"must be a host name, which may have one '*' at its beginning or end, not {quote(value)}")
    if len(value) > 253:
        raise Invalid(f"must have at most 253 characters, not {len(value)}")
    if match["port"] is not None and not 1 <= int(match["port"]) <= 65_535:
        raise Invalid(f"must have a port between 1 and 65535, not {match['port']}")
    return value


Method = Annotated[str, Rule(check=token, schema={"minLength": 1})]
HeaderName = Annotated[str, Rule(check=header_name, schema={"minLength": 1})]
EditedHeaderName = Annotated[str, Rule(check=edited_header_name, schema={"minLength": 1})]
PlainText = Annotated[str, Rule(check=plain_text)]
HeaderText = Annotated[str, Rule(check=header_text)]
HeaderFormat = Annotated[str, Rule(check=header_format)]
QueryName = Annotated[str, Rule(check=query_name, schema={"minLength": 1})]
PathPrefix = Annotated[str, Rule(check=path_prefix)]
RewrittenPath = Annotated[str, Rule(check=rewritten_path)]
HostGlob = Annotated[str, Rule(check=host_glob, schema={**HOST_SCHEMA, "minLength": 1})]


# Regular expressions


def regex(value: str, max_program_size: int | None = None) -> str:
    """A regular expression of RE2, compiled here by the same engine and in the same way as Envoy does.

    Args:
        value: the expression.
        max_program_size: how big its program may be (`LARGEST_REGEX`, or Emissary's `regex_max_size`), or no limit.

    Raises:
        Invalid: with RE2's own words, or with both sizes.
    """
    if not value:
        raise Invalid("must not be empty")
    if len(value.encode()) > LONGEST_REGEX:
        raise Invalid(f"must have at most {LONGEST_REGEX} bytes, not {len(value.encode())}")
    _check_unicode_classes(plain_text(value))
    size, _ = _compiled(value)
    if max_program_size is not None and size > max_program_size:
        raise Invalid(
            f"is too big a regular expression: its program size is {size}, and at most {max_program_size} is allowed"
        )
    return value


def _check_unicode_classes(value: str) -> None:
    r"""RE2 takes up to 10 ms for a `\p` where case is ignored (`(?i)`): 8 KiB of them took 24 s, here and in Envoy."""
    classes = sum(letter in "pP" for letter in _ESCAPED.findall(value))
    if classes > MOST_UNICODE_CLASSES:
        raise Invalid(f"must have at most {MOST_UNICODE_CLASSES} Unicode classes (\\p), not {classes}")
    if classes and _IGNORES_CASE.search(value):
        raise Invalid("must not have Unicode classes (\\p) where case is ignored, as (?i) says")


def regex_substitution(pattern: str, value: str) -> str:
    r"""The replacement that goes with a pattern: `\1` for what its first group matched, `\\` for a backslash.

    Raises:
        Invalid: for another use of a backslash, or a group that a (good) pattern does not have.
    """
    for reference in re.findall(r"\\(.?)", plain_text(value), re.DOTALL):
        if reference != "\\" and reference not in {*"0123456789"}:
            raise Invalid(f"must have a digit or a backslash after each backslash: {quote(value)}")
        if reference != "\\" and int(reference) > _compiled(pattern)[1]:
            raise Invalid(f"refers to group {reference}, and {quote(pattern)} has {_compiled(pattern)[1]}")
    return value


def groups_of(pattern: str) -> int:
    """How many groups a (good) pattern has."""
    return _compiled(pattern)[1]


@remembered(text_size)
def _compiled(pattern: str) -> tuple[int, int]:
    """The program size and the number of groups."""
    found = compiled(pattern)
    return found.programsize, found.groups


def compiled(pattern: str) -> Any:
    """A regular expression as Envoy has it; its texts are bytes.

    Raises:
        Invalid: with RE2's own words.
    """
    options = re2.Options()
    options.log_errors = False
    # Envoy matches bytes: with UTF-8, `[^/]` would have another program, four times the size.
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _REGEX_MEMORY
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        words = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        if words.startswith("pattern too large"):
            words = f"it is too big, more than ten times the size {LARGEST_REGEX} that is the most"
        raise Invalid(f"must be a regular expression of RE2: {words}") from None
    finally:
        re2.purge()  # its own cache keeps the last 128, whatever they weigh


Regex = Annotated[str, Rule(check=regex, schema={"minLength": 1, "maxLength": LONGEST_REGEX})]
"""A regular expression of any size; whoever knows the limit asks `regex` again with it."""
