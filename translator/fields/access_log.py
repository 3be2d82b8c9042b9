"""Access logs: a line for each request, in Emissary's format unless another is given. The Module has one, for all.

A policy may say another one of some requests, or that there is none. Where it is written is the Module's to say: a file
is the machine's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Any, Final, Literal

from translator.checks import PlainText
from translator.decode import FrozenMap, Invalid, Problem, join, rule, step
from translator.features.http.access_log import FileLog, own
from translator.filters.log_marks import LogMark
from translator.ir import ObjectKey, marks
from translator.operators import check_operators
from translator.values import dataclass

OUTPUT: Final = "/dev/fd/1"
"""The gateway's own output."""

Openable = Callable[[str], str | None]
"""Gives why a file cannot be written, None where it can."""

_TEXT: Final = (
    'ACCESS [%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% '
    "%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n'
)
_JSON: Final = FrozenMap(
    start_time="%START_TIME%",
    method="%REQ(:METHOD)%",
    path="%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    protocol="%PROTOCOL%",
    response_code="%RESPONSE_CODE%",
    response_flags="%RESPONSE_FLAGS%",
    bytes_received="%BYTES_RECEIVED%",
    bytes_sent="%BYTES_SENT%",
    duration="%DURATION%",
    upstream_service_time="%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    x_forwarded_for="%REQ(X-FORWARDED-FOR)%",
    user_agent="%REQ(USER-AGENT)%",
    request_id="%REQ(X-REQUEST-ID)%",
    authority="%REQ(:AUTHORITY)%",
    upstream_host="%UPSTREAM_HOST%",
    upstream_cluster="%UPSTREAM_CLUSTER%",
    upstream_local_address="%UPSTREAM_LOCAL_ADDRESS%",
    downstream_local_address="%DOWNSTREAM_LOCAL_ADDRESS%",
    downstream_remote_address="%DOWNSTREAM_REMOTE_ADDRESS%",
    requested_server_name="%REQUESTED_SERVER_NAME%",
    istio_policy_status="%DYNAMIC_METADATA(istio.mixer:status)%",
    upstream_transport_failure_reason="%UPSTREAM_TRANSPORT_FAILURE_REASON%",
)
"""Emissary's formats, for who has pipelines that read them."""


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise Invalid("must be the path of a file, beginning with '/'")
    return text


def _format(value: object) -> object:
    """A format of either sort, its operators checked wherever they stand."""
    if not isinstance(value, str | Mapping):
        raise Invalid("must be a text, or an object")
    for where, text in _texts(value):
        try:
            check_operators(text, in_log=True)
        except Invalid as invalid:
            raise Invalid(invalid.message, at=where) from None
    return value


def _texts(value: object, where: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, join(where, step(name)))
    elif isinstance(value, tuple):
        for position, item in enumerate(value):
            yield from _texts(item, join(where, f"[{position}]"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """What a line says."""

    envoy_log_type: Literal["text", "json", "typed_json"] | None = field(
        default=None,
        metadata=rule("The form of the access log, text or JSON; there is one as soon as any of its fields is said."),
    )
    envoy_log_format: object = field(
        default=None,
        metadata=rule("What a line says, with Envoy's %OPERATORS%: a text, or an object for JSON.", check=_format),
    )

    @property
    def is_json(self) -> bool:
        """Whether lines are JSON: by what is said, else by what the format is."""
        if self.envoy_log_type is None:
            return isinstance(self.envoy_log_format, Mapping)
        return self.envoy_log_type != "text"

    @property
    def fits(self) -> bool:
        """Whether the format is of the type that is said."""
        return self.envoy_log_format is None or self.is_json == isinstance(self.envoy_log_format, Mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogSettings(LineSettings):
    """The settings. Any of them makes a log; without one there is none, and no request pays for it."""

    envoy_log_path: PlainText | None = field(
        default=None,
        metadata=rule(f"The file that it is written to; {OUTPUT}, the gateway's output, when absent.", check=_path),
    )

    @property
    def is_said(self) -> bool:
        """Whether a log is wanted."""
        return any(each is not None for each in (self.envoy_log_type, self.envoy_log_path, self.envoy_log_format))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOfSome(LineSettings):
    """What is logged of some requests: a line as the Module has it, or else Emissary's, unless another is said."""

    enabled: bool = field(
        default=True, metadata=rule("Whether anything is; `false`: there is no line, and no LogService is told.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from format_problems(self)


def file_log(settings: AccessLogSettings, openable: Openable) -> FileLog | None:
    """The access log, if one is wanted. One that cannot be written is the gateway's output."""
    return _written(settings, openable) if settings.is_said else None


def mark_of(said: LogOfSome, common: AccessLogSettings, openable: Openable, policy: ObjectKey) -> LogMark:
    """What a policy says of the logs; `common` is what the Module says of them."""
    if not said.enabled:
        return LogMark(marks.SILENT)
    if common.is_said and said.envoy_log_type is said.envoy_log_format is None:
        return LogMark(marks.USUAL)
    settings = replace(common, envoy_log_type=said.envoy_log_type, envoy_log_format=said.envoy_log_format)
    line = own(_written(settings, openable))
    return LogMark(line.mark, line, policy)


def _written(settings: AccessLogSettings, openable: Openable) -> FileLog:
    path = settings.envoy_log_path or OUTPUT
    if openable(path) is not None:
        path = OUTPUT
    given: Any = settings.envoy_log_format if settings.fits else None
    if settings.is_json:
        return FileLog(path, _JSON if given is None else given)
    text = _TEXT if given is None else given
    return FileLog(path, text if text.endswith("\n") else f"{text}\n")


def format_problems(settings: LineSettings) -> Iterable[Problem]:
    """What no setting can see alone."""
    if not settings.fits:
        wanted = "an object" if settings.is_json else "a text"
        said = f"must be {wanted}, since envoy_log_type is {settings.envoy_log_type}; the usual format is used"
        yield Problem("envoy_log_format", said, stops=False)


def path_problem(settings: AccessLogSettings, openable: Openable) -> Problem | None:
    """What is wrong with the file, where this machine can tell."""
    reason = openable(settings.envoy_log_path) if settings.envoy_log_path else None
    if reason is None:
        return None
    said = f"cannot be written: {reason}; the log goes to {OUTPUT} instead"
    return Problem("spec.config.envoy_log_path", said, stops=False)
