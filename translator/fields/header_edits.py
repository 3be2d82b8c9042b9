"""Headers added and removed, on the way to the backend and back."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, Protocol, TypeVar

from translator import ir
from translator.checks import MOST_HEADERS, HeaderFormat, edited_header_name
from translator.decode import Invalid, Rule, rule
from translator.values import dataclass

T = TypeVar("T")


def _edited(name: str) -> str:
    try:
        return edited_header_name(name)
    except Invalid as invalid:
        if name.lower() in {"host", ":authority"}:
            raise Invalid(f"{invalid.message}; use host_rewrite") from None
        raise


HeaderName = Annotated[str, Rule(check=_edited)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedHeader:
    """A header that is added."""

    value: HeaderFormat = field(
        default="", metadata=rule("The value; may use Envoy's %COMMANDS% about the request, and %% for a %.")
    )
    append: bool = field(default=True, metadata=rule("Add to what is there, rather than replace it."))
    v2_representation: object = field(
        default=None, metadata=rule(name="v2Representation", doc="Kept for conversions; no effect.")
    )


AddedHeaders = Annotated[Mapping[HeaderName, AddedHeader | HeaderFormat], Rule(max_size=MOST_HEADERS)]
RemovedHeaders = tuple[HeaderName, ...]


class Edits(Protocol):
    """What a Mapping, or the Module's defaults, says of headers; None where it says nothing."""

    @property
    def add_request_headers(self) -> AddedHeaders | None: ...  # noqa: D102
    @property
    def add_response_headers(self) -> AddedHeaders | None: ...  # noqa: D102
    @property
    def remove_request_headers(self) -> RemovedHeaders | None: ...  # noqa: D102
    @property
    def remove_response_headers(self) -> RemovedHeaders | None: ...  # noqa: D102


def edits_of(members: Iterable[Edits], defaults: Edits) -> ir.HeaderEdits:
    """What the members of a group want together, in their order: added headers are united, of the rest the last counts.

    A member that says nothing says what the defaults say; one that says "none" means it.
    """
    add_request: dict[str, AddedHeader | str] = {}
    add_response: dict[str, AddedHeader | str] = {}
    remove_request: RemovedHeaders = ()
    remove_response: RemovedHeaders = ()
    for member in members:
        add_request.update(_given(member.add_request_headers, defaults.add_request_headers, {}))
        add_response.update(_given(member.add_response_headers, defaults.add_response_headers, {}))
        remove_request = _given(member.remove_request_headers, defaults.remove_request_headers, remove_request)
        remove_response = _given(member.remove_response_headers, defaults.remove_response_headers, remove_response)
    if not (add_request or add_response or remove_request or remove_response):
        return ir.NO_EDITS
    return ir.HeaderEdits(_values(add_request), remove_request, _values(add_response), remove_response)


def _given(own: T | None, default: T | None, otherwise: T) -> T:
    if own is not None:
        return own
    return otherwise if default is None else default


def _values(headers: dict[str, AddedHeader | str]) -> tuple[ir.HeaderValue, ...]:
    return tuple(
        ir.HeaderValue(name, header) if isinstance(header, str) else ir.HeaderValue(name, header.value, header.append)
        for name, header in sorted(headers.items())
    )
