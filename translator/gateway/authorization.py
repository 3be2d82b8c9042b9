"""The filter ExternalAuth of an HTTPRoute, in the words that AuthServices have as well. Pure.

Source: Gateway API v1.7.0, HTTPExternalAuthFilter (GEP-1494).
"""

from typing import Final

from translator import ir
from translator.checks import SCOPE_HEADER
from translator.filters.external_auth import Body, ExternalAuth, HttpAuth
from translator.gateway.kinds import filters

TIMEOUT_MS: Final = 5_000
"""How long the service may take, of which the API says nothing: as an AuthService's."""

_ALWAYS: Final = ("authorization",)
"""What a service that speaks HTTP gets besides the method, the path, the host and the length."""


def external_auth_of(said: filters.ExternalAuth, backend: ir.Backend) -> ExternalAuth:
    """Who is asked, and how."""
    http, grpc = said.http, said.grpc
    size = said.forward_body.max_size
    return ExternalAuth(
        backend=backend,
        timeout_ms=TIMEOUT_MS,
        http=_http(http) if http is not None else None,
        body=Body(size, partial=False) if size else None,
        request_headers=_lower(grpc.allowed_headers) if grpc is not None else (),
    )


def _http(said: filters.AuthByHttp) -> HttpAuth:
    prefix = (said.path or "").strip("/")
    return HttpAuth(
        path_prefix=f"/{prefix}" if prefix else "",
        request_headers=_lower((*_ALWAYS, *said.allowed_headers)),
        answer_headers=_lower(said.allowed_response_headers),
        allows_in_full=not said.allowed_response_headers,
        refuses_in_full=True,
    )


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({name.lower() for name in names} - {SCOPE_HEADER}))
