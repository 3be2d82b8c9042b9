"""Where traces go, and which: OpenTelemetry's own variables, as its specification has them. Pure.

A value that cannot be is told and counts as absent, since these variables are often put into every pod of a cluster:
that is the specification's rule, and a gateway does not stay down for its traces.
Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and .../protocol/exporter/
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args
from urllib.parse import SplitResult, unquote, urlsplit

Protocol = Literal["grpc", "http/protobuf", "http/json"]
T = TypeVar("T")

_GRPC_PORT: Final = 4317
_TRUE: Final = {"true": True, "false": False}
_ALWAYS: Final = {"always_on": 1.0, "parentbased_always_on": 1.0, "always_off": 0.0, "parentbased_always_off": 0.0}
_RATIO: Final = ("traceidratio", "parentbased_traceidratio")
_SERVICE: Final = "service.name"


@dataclass(frozen=True, slots=True)
class Otlp:
    """Where traces are sent, and how. `target`: `host:port` for gRPC, an URL for HTTP.

    `certificate`: the CAs that the collector is checked by, None for the system's; `client`: our certificate and key.
    """

    target: str
    protocol: Protocol = "grpc"
    has_tls: bool = False
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout: float = 10.0
    gzip: bool = False
    certificate: Path | None = None
    client: tuple[Path, Path] | None = None
    ratio: float = 1.0
    """The share of traces that is sent."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the variables say. `otlp` None: nothing is sent. `problems`: values that cannot be, in words."""

    otlp: Otlp | None = None
    resource: Mapping[str, str] = field(default_factory=lambda: {_SERVICE: "dragoman"})
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Telemetry":
        """What an environment without empty variables says."""
        read = _Reading(given)
        nothing: dict[str, str] = {}
        resource = {_SERVICE: "dragoman", **read.one("OTEL_RESOURCE_ATTRIBUTES", _pairs, nothing)}
        resource |= {_SERVICE: given["OTEL_SERVICE_NAME"]} if "OTEL_SERVICE_NAME" in given else {}
        otlp = _otlp(read) if _is_wanted(read) else None
        return cls(otlp, resource, tuple(read.problems))


class _Reading:
    """Reads variables, and remembers which could not be."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.problems: list[str] = []

    def one(self, name: str, read: Callable[[str], T], default: T) -> T:
        """A variable; what `read` raises ValueError for counts as absent."""
        text = self._given.get(name)
        if text is None:
            return default
        try:
            return read(text)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return default

    def exporter(self, name: str, read: Callable[[str], T], default: T) -> T:
        """A variable of the exporter of traces, or else that of all exporters."""
        for_all = self.one(f"OTEL_EXPORTER_OTLP_{name}", read, default)
        return self.one(f"OTEL_EXPORTER_OTLP_TRACES_{name}", read, for_all)

    def has(self, name: str) -> bool:
        """Whether a variable is there."""
        return name in self._given


def _is_wanted(read: _Reading) -> bool:
    is_disabled = read.one("OTEL_SDK_DISABLED", _boolean, False)
    has_exporter = read.one("OTEL_TRACES_EXPORTER", _exporter, True)
    return has_exporter and not is_disabled


def _otlp(read: _Reading) -> Otlp | None:
    usual: Protocol = "grpc"
    nothing: dict[str, str] = {}
    protocol = read.exporter("PROTOCOL", _protocol, usual)
    of_all = read.one("OTEL_EXPORTER_OTLP_ENDPOINT", _endpoint, None)
    of_traces = read.one("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", _endpoint, None)
    endpoint = of_traces or of_all
    if endpoint is None:
        return None
    is_insecure = endpoint.scheme == "http" or (not endpoint.scheme and read.exporter("INSECURE", _boolean, False))
    target = endpoint.netloc if endpoint.port else f"{endpoint.netloc}:{_GRPC_PORT}"
    if protocol != "grpc":
        path = endpoint.path or "/" if of_traces else f"{endpoint.path.rstrip('/')}/v1/traces"
        target = f"{'http' if is_insecure else 'https'}://{endpoint.netloc}{path}"
    own = read.exporter("CLIENT_CERTIFICATE", _file, None), read.exporter("CLIENT_KEY", _file, None)
    return Otlp(
        target=target,
        protocol=protocol,
        has_tls=not is_insecure,
        headers=tuple(read.exporter("HEADERS", _headers, nothing).items()),
        timeout=read.exporter("TIMEOUT", _milliseconds, 10.0),
        gzip=read.exporter("COMPRESSION", _compression, False),
        certificate=read.exporter("CERTIFICATE", _file, None),
        client=(own[0], own[1]) if own[0] and own[1] else None,
        ratio=_ratio(read),
    )


def _ratio(read: _Reading) -> float:
    sampler = read.one("OTEL_TRACES_SAMPLER", _sampler, "always_on")
    if sampler in _RATIO:
        return read.one("OTEL_TRACES_SAMPLER_ARG", _share, 1.0)
    return _ALWAYS[sampler]


def _endpoint(text: str) -> SplitResult:
    """An URL, or `host:port`, which has no scheme."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        is_one = parts.scheme in ("http", "https", "") and parts.hostname and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or "@" in parts.netloc:  # what is before that may be secret
        raise ValueError("is not of the form http://HOST:PORT or https://HOST:PORT")
    return parts


def _protocol(text: str) -> Protocol:
    found: Mapping[str, Protocol] = {each: each for each in get_args(Protocol)}
    if text not in found:
        raise ValueError(f"{text!r} is none of {', '.join(found)}")
    return found[text]


def _exporter(text: str) -> bool:
    if text not in ("otlp", "none"):
        raise ValueError(f"{text!r} is neither otlp nor none")
    return text == "otlp"


def _sampler(text: str) -> str:
    if text not in (*_ALWAYS, *_RATIO):
        raise ValueError(f"{text!r} is none of {', '.join((*_ALWAYS, *_RATIO))}")
    return text


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is not a number from 0 to 1")
    return share


def _milliseconds(text: str) -> float:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 3_600_000):
        raise ValueError(f"{text!r} is not a number of milliseconds from 1 to 3600000")
    return int(text) / 1000


def _compression(text: str) -> bool:
    if text not in ("gzip", "none"):
        raise ValueError(f"{text!r} is neither gzip nor none")
    return text == "gzip"


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE:
        raise ValueError(f"{text!r} is neither true nor false")
    return _TRUE[text.lower()]


def _file(text: str) -> Path | None:
    return Path(text)


def _headers(text: str) -> dict[str, str]:
    """The names are HTTP's, which gRPC wants in lower case."""
    found = {name.lower(): value for name, value in _items(text)}
    for name, value in found.items():
        if not value.isprintable() or not value.isascii():
            raise ValueError(f"the value of {name} is no text of printable ASCII characters")  # it is secret
    return found


def _pairs(text: str) -> dict[str, str]:
    return dict(_items(text))


def _items(text: str) -> Iterator[tuple[str, str]]:
    """`name=value,name=value`, both in percent-encoding; a value may be secret, so none is told."""
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, found, value = part.partition("=")
        name = unquote(name.strip())
        if not found or not name or not name.isascii() or not name.isprintable() or " " in name:
            raise ValueError("is not of the form NAME=VALUE,NAME=VALUE, in percent-encoding")
        yield name, unquote(value.strip())
