"""Logs: one line an event, for a person at a terminal or as JSON for a machine.

    09:12:01 info  translator  published  resources=12 ms=3

The time is local; with JSON it is UTC, RFC 3339. A failure (an exception) stays on its line too: what it is, and
where it came through, innermost first. What libraries log through `logging` comes out the same way.

What is told of others, such as an object's name, Envoy's word or an API server's answer, is theirs. Here, and nowhere
else, it is made fit: no value and no line is longer than a bound, and what cannot be printed is escaped, in names and
values alike, so that nobody's text passes for a line of ours, or for a command to somebody's terminal.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO, cast

import orjson

from process.text import cut, escaped

_NO_RICH = "rich" not in sys.modules
if _NO_RICH:  # where developers' tools brought it, structlog would load it for a renderer that is not used here: 40 ms
    sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _NO_RICH:
    del sys.modules["rich"]

_NUMBERS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_ALIASES = {"exception": "error", "critical": "error", "fatal": "error", "warn": "warning"}
_FRAMES = 8

LONGEST = 4_000
"""Characters of a value."""
LONGEST_LINE = 12_000
"""Characters of all values of a line: with those that take four bytes, what a pipe takes at once."""
_LONGEST_NAME = 60
_MOST = 40
"""Circumstances of an event."""
_LARGEST = 1 << 64

Event = MutableMapping[str, Any]


class LogSettings(Protocol):
    """What `configure` wants to know; `process.settings.Settings` knows it."""

    @property
    def log_level(self) -> str:
        """debug, info, warning or error."""

    @property
    def json_logs(self) -> bool:
        """Whether a line is a JSON object."""


class Log(Protocol):
    """A logger: an event is a short name in the past tense, its circumstances are keywords."""

    def debug(self, event: str, **circumstances: Any) -> None:
        """For who looks for a fault of ours."""

    def info(self, event: str, **circumstances: Any) -> None:
        """For who wants to know what is going on."""

    def warning(self, event: str, **circumstances: Any) -> None:
        """Something that a person should look at."""

    def error(self, event: str, **circumstances: Any) -> None:
        """Something failed."""

    def exception(self, event: str, **circumstances: Any) -> None:
        """Something failed with the exception that is being handled."""


def configure(part: str, settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send every log of this process, named `part`, to `stream` (stderr)."""
    out = stream or sys.stderr
    level = _NUMBERS[settings.log_level]
    render = _as_json if settings.json_logs else _as_text
    structlog.configure(
        processors=[_Completed(part), _failure, _fit, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Bridge()]
    root.setLevel(max(level, logging.WARNING))


def get(name: str = "") -> Log:
    """A logger. `name`, if any, says which corner of the part speaks; it may be got before `configure` is called."""
    return cast("Log", structlog.get_logger(**({"by": name} if name else {})))


@contextmanager
def uncaught() -> Iterator[None]:
    """Log what nobody catches, in threads and in destructors too, and warnings: not as a text of many lines."""
    log, before = get(), (sys.excepthook, threading.excepthook, sys.unraisablehook)

    def say(event: str, error: BaseException | None) -> None:
        log.error(event, exc_info=error)

    sys.excepthook = lambda _, error, __: say("failed", error)
    threading.excepthook = lambda given: say("a thread failed", given.exc_value)
    sys.unraisablehook = lambda given: say("failed where nobody could be told", given.exc_value)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook, sys.unraisablehook = before


class _Completed:
    """Adds time, level and part; a circumstance that is called like one of these gets an underscore."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __call__(self, _logger: object, method: str, event: Event) -> Event:
        head = {
            "time": datetime.now(UTC),
            "level": _ALIASES.get(method, method),
            "part": self._part,
            "event": event.pop("event", ""),
        }
        return head | {f"{key}_" if key in head else key: value for key, value in event.items()}


def _failure(_logger: object, _method: str, event: Event) -> Event:
    """In place of `exc_info`: what the exception is, and where it came through."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    elif isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        event["failure"] = "".join(traceback.format_exception_only(given)).strip()
        frames = traceback.extract_tb(given.__traceback__)[: -_FRAMES - 1 : -1]
        event["at"] = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return event


def _fit(_logger: object, _method: str, event: Event) -> Event:
    """Bound what others wrote. A line that had to be cut says so."""
    fit, room = {}, LONGEST_LINE
    for key, value in list(event.items())[:_MOST]:
        fit[cut(key, _LONGEST_NAME)] = kept = _bounded(value, max(min(room, LONGEST), _LONGEST_NAME))
        room -= len(escaped(kept)) if isinstance(kept, str) else 0
    return fit | ({"circumstances_left_out": len(event) - _MOST} if len(event) > _MOST else {})


def _bounded(value: object, most: int) -> object:
    if isinstance(value, str):
        return cut(value, most)
    if isinstance(value, bool | float | datetime | None) or (isinstance(value, int) and -_LARGEST < value < _LARGEST):
        return value
    if isinstance(value, int):
        return f"an integer of {value.bit_length()} bits"
    shown = _said(value)
    if len(shown) <= most and shown.isprintable() and isinstance(value, Mapping | list | tuple):
        return value
    return cut(shown, most)


def _said(value: object) -> str:
    try:
        return repr(value) if isinstance(value, Mapping | list | tuple | set | frozenset) else str(value)
    except Exception as error:  # noqa: BLE001 -- of anything: the line is still to be written
        return f"a {type(value).__name__} that cannot be shown: {type(error).__name__}"


def _as_json(_logger: object, _method: str, event: Event) -> str:
    try:
        line = orjson.dumps(event, default=_said, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()
    except TypeError:  # half a surrogate pair, an integer of more than 64 bits, nested too deeply
        plain = {key: value if isinstance(value, int | None) else _said(value) for key, value in event.items()}
        line = json.dumps(plain)
    return escaped(line)


def _as_text(_logger: object, _method: str, event: Event) -> str:
    head = f"{event.pop('time').astimezone():%H:%M:%S} {event.pop('level'):<7} {event.pop('part'):<11} "
    name = str(event.pop("event"))
    said = name if name.isprintable() else _quoted(name)
    return "  ".join([head + said, " ".join(f"{_shown(key)}={_shown(value)}" for key, value in event.items())]).rstrip()


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = _said(value)
    plain = text and text.isprintable() and not any(sign in text for sign in ' "=')
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    return escaped(json.dumps(text, ensure_ascii=False))


class _Lines:
    """Writes a line whole. A reader that went away must not end a process that still serves."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def msg(self, line: str) -> None:
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = exception = critical = fatal = warn = log = msg


class _Bridge(logging.Handler):
    """What libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        level = (
            "error" if record.levelno >= logging.ERROR else "warning" if record.levelno >= logging.WARNING else "info"
        )
        say: Callable[..., None] = getattr(get(record.name), level)
        try:
            say(record.getMessage(), exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 -- a library's bad log call must not end the process
            self.handleError(record)
