"""AuthServices: who is asked about requests, and that nobody is let through where that cannot be known.

Several are one authorization: the requests are shared out among their services, and what else they say must agree. The
first by namespace and name says it; another that says otherwise is told. As soon as one of them is stopped by a mistake
every request is refused, since which ones it would have refused is not known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import orjson

from translator import ir
from translator.ambassador_ids import is_for
from translator.decode import FrozenMap, Problem
from translator.emissary.backends import Backends, Wanted, pooled
from translator.emissary.kinds.auth_service import TIMEOUT_MS, AuthServiceSpec
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.objects import Read, read_object
from translator.emissary.problems import Problems, problems_found
from translator.emissary.settings import Settings
from translator.fields.linkerd import linkerd_header
from translator.fields.upstream import Upstream, upstream_features
from translator.filters.external_auth import NAME, Ask, DoNotAsk, ExternalAuth, HttpAuth
from translator.filters.unavailable import Unavailable
from translator.ir import ObjectKey
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

ALWAYS_ASKED: Final = (
    "authorization",
    "cookie",
    "from",
    "proxy-authorization",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
)
"""Headers of a request that a service that speaks HTTP gets, whatever else it asks for."""
ALWAYS_ANSWERED: Final = ("authorization", "location", "proxy-authenticate", "set-cookie", "www-authenticate")
"""Headers of its answer that go on."""


@dataclass(frozen=True, slots=True)
class Auth:
    """An AuthService by itself; `auth` is None when a problem stops it."""

    called: str
    auth: ExternalAuth | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """All AuthServices: whom they ask, None where a mistake in one of them forbids to ask anyone."""

    auth: ExternalAuth | None
    origins: tuple[ObjectKey, ...]
    problems: Mapping[ObjectKey, tuple[Problem, ...]] = FrozenMap()


class AuthServices:
    """The tables of AuthServices. The methods are for rules that a sweep runs."""

    def __init__(
        self, tables: Tables, objects: Table[ObjectKey, bytes], settings: Settings, backends: Backends, options: Options
    ) -> None:
        self._settings = settings
        self._backends = backends
        self._options = options
        found = tables.each("auth services", objects, self._read)
        self._declared = tables.group(
            "auth services declared",
            objects,
            lambda key, body: {NAME: True} if self._is_ours(body, read(found, key)) else {},
        )
        together = tables.each(
            "auth services together", self._declared, lambda _, keys: fold({key: read(found, key) for key in keys})
        )
        self.settings: Table[str, ir.FilterSettings] = tables.each(
            "auth settings", together, lambda _, row: ir.FilterSettings(row.auth, row.origins) if row.auth else None
        )
        self._asked = tables.each("auth asked", self.settings, lambda _, __: True)
        self.problems: tuple[Problems, ...] = (
            tables.each("auth service problems", found, lambda _, row: row.problems or None),
            problems_found(tables, "auth services beside each other", together, lambda _, row: row.problems),
        )

    def of_all(self) -> tuple[object, ...]:
        """What holds for every route of every chain: where one is declared and cannot be asked, nobody gets through."""
        if read(self._declared, NAME) is None:
            return ()
        return (Ask(),) if self.is_asked() else (Unavailable(),)

    def of_mapping(self, spec: MappingSpec) -> tuple[object, ...]:
        """What a Mapping says of it: nothing where nobody is asked anyway."""
        if not self.is_asked():
            return ()
        if spec.bypass_auth or spec.redirects:
            return (DoNotAsk(),)
        return (Ask(spec.auth_context_extensions),) if spec.auth_context_extensions else ()

    def asking(self, context: Mapping[str, str] | None) -> tuple[object, ...] | None:
        """What is said of requests that are asked about in any case; None where nobody can be asked."""
        return (Ask(context or FrozenMap()),) if self.is_asked() else None

    def of_probes(self) -> tuple[object, ...]:
        """What holds for liveness and readiness: whoever asks for them has nothing to show."""
        return (DoNotAsk(),) if self.is_asked() else ()

    def is_asked(self) -> bool:
        """Whether somebody is asked at all."""
        return read(self._asked, NAME) is not None

    def _is_ours(self, body: bytes, row: Auth | None) -> bool:
        """Whether it counts; where nothing was made of it, that may be because making it failed."""
        return row is not None or is_for(orjson.loads(body).get("spec"), self._options.ambassador_id)

    def _read(self, key: ObjectKey, body: bytes) -> Auth | None:
        row = read_object(AuthServiceSpec, key, body, self._options.ambassador_id)
        return self._understand(row) if row else None

    def _understand(self, row: Read[AuthServiceSpec]) -> Auth:
        called, spec = f"AuthService {row.namespace}/{row.name}", row.value
        if spec is None:
            return Auth(called, None, row.problems)
        defaults = self._settings.mapping_defaults()
        upstream = Upstream(circuit_breakers=spec.circuit_breakers, stats_name=spec.stats_name)
        wanted = Wanted(
            spec.auth_service,
            spec.tls,
            "http2" if spec.proto == "grpc" else "http1",
            features=upstream_features(upstream, replace(defaults.upstream, stats_name=None)),
        )
        found = self._backends.find_for_all(wanted, row.namespace)
        problems = (*row.problems, *[_in_its_words(problem) for problem in found.problems])
        if found.backend is None or any(problem.stops for problem in problems):
            return Auth(called, None, problems)
        names_service = defaults.linkerd if spec.add_linkerd_headers is None else spec.add_linkerd_headers
        linkerd = linkerd_header(found.host, found.port) if names_service else None
        return Auth(called, _auth_of(spec, found.backend, linkerd), problems)


def _in_its_words(problem: Problem) -> Problem:
    return replace(problem, path="spec.auth_service") if problem.path == "spec.service" else problem


def _auth_of(spec: AuthServiceSpec, backend: ir.Backend, linkerd: ir.HeaderValue | None) -> ExternalAuth:
    added = {**(spec.add_auth_headers or {}), **({linkerd.name: linkerd.value} if linkerd else {})}
    http = HttpAuth(
        path_prefix=spec.path_prefix,
        request_headers=_united(ALWAYS_ASKED, spec.allowed_request_headers),
        answer_headers=_united(ALWAYS_ANSWERED, spec.allowed_authorization_headers),
    )
    return ExternalAuth(
        backend=backend,
        timeout_ms=spec.timeout_ms,
        http=http if spec.proto == "http" else None,
        added_headers=tuple(sorted(added.items())),
        body=spec.body,
        status_on_error=spec.status_on_error.code if spec.status_on_error else None,
        failure="allow" if spec.failure_mode_allow else "deny",
    )


def _united(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name.lower() for name in (*first, *second)}))


def fold(rows: Mapping[ObjectKey, Auth | None]) -> Together:
    """What several AuthServices say together; None stands for one that could not be read at all.

    Args:
        rows: by the keys of their objects.
    """
    keys = tuple(sorted(rows))
    each = [(key, row) for key in keys if (row := rows[key]) is not None]
    asked = [(key, row.called, row.auth) for key, row in each if row.auth is not None]
    if len(asked) < len(keys):
        return Together(None, keys)
    (_, called, whole), *others = asked
    problems: dict[ObjectKey, tuple[Problem, ...]] = {}
    for key, _, auth in others:
        pool = pooled(whole.backend, auth.backend)
        if pool is None:
            said = f"cannot share the requests with {called}: both must be Services, or both names or addresses"
            problems[key] = (Problem("spec.auth_service", f"{said}, reached alike", stops=False, reason="Conflict"),)
            continue
        said = f"has no effect: {called} says it for all"
        wrong = [Problem(f"spec.{name}", said, stops=False, reason="Conflict") for name in _differences(whole, auth)]
        whole = replace(whole, backend=pool, http=_with_headers_of(whole.http, auth.http))
        problems[key] = tuple(wrong)
    return Together(whole, keys, FrozenMap(problems))


def _differences(whole: ExternalAuth, auth: ExternalAuth) -> Iterable[str]:
    """The fields in which an AuthService says something that the first one does not."""
    if (whole.http is None) != (auth.http is None):
        yield "proto"
    elif whole.http is not None and auth.http is not None and auth.http.path_prefix not in {"", whole.http.path_prefix}:
        yield "path_prefix"
    if auth.added_headers and auth.added_headers != whole.added_headers:
        yield "add_auth_headers"
    for name, field, default in (
        ("timeout_ms", "timeout_ms", TIMEOUT_MS),
        ("include_body", "body", None),
        ("status_on_error", "status_on_error", None),
        ("failure_mode_allow", "failure", "deny"),
    ):
        if getattr(auth, field) not in {default, getattr(whole, field)}:
            yield name


def _with_headers_of(whole: HttpAuth | None, other: HttpAuth | None) -> HttpAuth | None:
    if whole is None or other is None:
        return whole
    return replace(
        whole,
        request_headers=_united(whole.request_headers, other.request_headers),
        answer_headers=_united(whole.answer_headers, other.answer_headers),
    )
