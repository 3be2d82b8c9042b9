"""What `dragoman run --live` shows, made of what the diagnostics tell: lines that fit a terminal of some size. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import click

from cli.history import headline
from process.text import escaped

KEPT: Final = 500
"""Lines of the log that are kept, for a terminal that becomes higher, and for the end."""
_LEAST: Final = 3
"""Lines that a list has at least, where it has so many."""
_COLOURS: Final = {"well": "green", "silent": "yellow", "hangs": "red"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the diagnostics said last: `numbers` are Envoy's, `before` those of the look before.

    `trouble`: why they do not answer; empty: they do.
    """

    told: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


@dataclass(slots=True)
class Seen:
    """What is known: the last answer, and the newest lines of the log."""

    folder: str
    page: str
    answer: Answer = Answer(trouble="it begins")
    log: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    is_ending: bool = False


def picture(seen: Seen, columns: int, lines: int) -> list[str]:
    """The lines of the screen: what is fixed, and then lists, each cut so that all have a part of it."""
    head = [_title(seen), *_state(seen)]
    lists = [("Problems", _problems(seen)), ("Changes", _changes(seen)), ("Log", _log(seen))]
    room = lines - len(head) - 2 * len(lists)
    shown = [*head]
    for (name, rows), many in zip(lists, _shares([len(rows) for _, rows in lists], max(room, 0)), strict=True):
        left = len(rows) - many
        more = f" ({left:,} more)" if left and name != "Log" else ""
        shown += [
            "",
            click.style(f"{name}{more}", bold=True),
            *(rows[-many:] if name == "Log" and many else rows[:many]),
        ]
    return [_fit(line, columns) for line in shown[:lines]]


def _shares(wanted: list[int], room: int) -> list[int]:
    """How many lines each list has: at least some, and of what is left the first as many as it wants."""
    shares = [min(each, _LEAST) for each in wanted]
    while sum(shares) > room:
        most = max(shares)
        if not most:
            break
        shares[shares.index(most)] -= 1
    left = room - sum(shares)
    for place, each in enumerate(wanted):
        more = min(each - shares[place], left)
        shares[place] += max(more, 0)
        left -= max(more, 0)
    return shares


def _title(seen: Seen) -> str:
    says = "it comes to its end" if seen.is_ending else "Ctrl-C ends it"
    return f"{click.style('Dragoman', bold=True)} serves {escaped(seen.folder)}; {says}; {seen.page}"


def _state(seen: Seen) -> Iterator[str]:
    answer, told = seen.answer, seen.answer.told
    if answer.trouble:
        yield click.style(f"Nothing is known yet, or any more: {escaped(answer.trouble)}", fg="yellow")
        return
    envoy = told["envoy"]
    state = click.style(envoy["state"] or "does not answer", fg="green" if envoy["state"] == "LIVE" else "red")
    version = (envoy["version"] or "?/?").split("/")[1]
    connected = "" if envoy["connected"] else click.style(", not connected: it gets no changes", fg="red")
    yield f"Envoy {version} {state}{connected}; {_parts(told['parts'])}"
    yield _requests(answer.before, answer.numbers)


def _parts(told: Mapping[str, Mapping[str, Any]]) -> str:
    """Those of which there is something to say, else that there is nothing."""
    said = []
    for name, each in told.items():
        state = click.style(f"{name} {each['state']}", fg=_COLOURS[each["state"]])
        hung = f": {escaped(each['hung'])}" if each["hung"] else ""
        replaced = f", replaced {each['replaced']} times" if each["replaced"] else ""
        said += [f"{state}{hung}{replaced}"] if each["state"] != "well" or replaced else []
    return "; ".join(said) or f"all {len(told)} parts {click.style('well', fg=_COLOURS['well'])}"


def _requests(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Rates between the last two answers; of an Envoy that began anew there are none yet."""
    if "requests" not in now:
        return "Requests unknown: Envoy does not answer"
    words = [f"{now['requests']:,.0f} requests", f"{now['active']:,.0f} connections"]
    seconds = now["at"] - before["at"] if before.get("requests", now["requests"] + 1) <= now["requests"] else 0
    if seconds > 0:
        rates = {name: (now[name] - before[name]) / seconds for name in ("requests", "errors")}
        errors = click.style(f"{rates['errors']:.1f}/s 5xx", fg="red" if rates["errors"] else None)
        words = [f"{rates['requests']:.1f}/s", errors, *words]
    if now.get("p50") is not None:
        words.append(f"answered in {now['p50']:.1f} ms, 99 % in {now['p99']:.1f} ms")
    return f"Requests {', '.join(words)}"


def _problems(seen: Seen) -> list[str]:
    told = seen.answer.told
    said = [(each["message"], "yellow") for each in told.get("notices", ())]
    said += [
        (f"{name}: {each['message']}", "red")
        for name, file in told.get("files", {}).items()
        for each in file["problems"]
    ]
    said += [(f"{_named(key)} {message}", "red") for key, message in told.get("errors", ()) if "//" not in key]
    return [click.style(escaped(text), fg=colour) for text, colour in said] or ["none"]


def _named(key: str) -> str:
    _, kind, namespace, name = key.split("/", 3)
    return f"{kind} {f'{namespace}/' if namespace else ''}{name}"


def _changes(seen: Seen) -> list[str]:
    shown = []
    for each in seen.answer.told.get("history", ()):
        refused = each["refused"] is not None
        shown.append(headline(each) + (click.style("  Envoy refused it", fg="red") if refused else ""))
    return shown or ["none yet"]


def _log(seen: Seen) -> list[str]:
    """The log, but for the empty lines at its end."""
    lines = list(seen.log)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _fit(line: str, columns: int) -> str:
    """The beginning of a line that fits; what sets colours takes no room, and ends with the line."""
    if len(click.unstyle(line)) <= columns:
        return line
    made, room, rest = "", columns, line
    while rest and room:
        if rest.startswith("\x1b"):
            code, _, rest = rest.partition("m")
            made += f"{code}m"
        else:
            made, rest, room = made + rest[0], rest[1:], room - 1
    return f"{made}\x1b[0m"
