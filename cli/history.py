"""What `dragoman status --changes` says: what changed, the newest last, what is different, and Envoy's word. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import click

from cli.states import after
from process.text import escaped

HISTORY: Final = "history"
"""Under which the diagnostics are asked for it."""
FILE: Final = "dragoman"
_COLOURS: Final = {"made": "green", "changed": "yellow", "removed": "red"}
_FILES: Final = {"made": "cannot be read", "changed": "cannot be read, for another reason", "removed": "can be read"}
_SIGNS: Final = {"+": "green", "-": "red", "@": "cyan"}


def chosen(
    told: Iterable[Mapping[str, Any]], namespaces: Iterable[str] = (), kinds: Iterable[str] = ()
) -> list[Mapping[str, Any]]:
    """The changes of objects of these namespaces and kinds, all where there are none; the newest last."""
    spaces, wanted = set(namespaces), {kind.lower() for kind in kinds}
    found = []
    for each in told:
        _, kind, namespace, _ = each["key"].split("/", 3)
        if (not spaces or namespace in spaces) and (not wanted or kind.lower() in wanted):
            found.append(each)
    return found[::-1]


def lines(told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The changes, with colours, which `click.echo` leaves out where nobody sees them."""
    is_any = False
    for each in told:
        is_any = True
        yield headline(each)
        if each["refused"] is not None:
            yield click.style(f"    Envoy refused it: {escaped(each['refused'])}", fg="red")
        if each["note"]:
            yield f"    {each['note']}"
        for line in (each["diff"] or "").splitlines():
            yield click.style(f"    {escaped(line)}", fg=_SIGNS.get(line[:1]))
    if not is_any:
        yield "no change is remembered"


def headline(each: Mapping[str, Any]) -> str:
    """A change on one line: when, what, of which object, and how long it took."""
    group, kind, namespace, name = each["key"].split("/", 3)
    when = datetime.fromisoformat(each["at"]).astimezone().strftime("%H:%M:%S")
    if group == FILE:
        return f"{when}  {escaped(name.removeprefix('/'))} {_FILES[each['what']]}"
    words = [click.style(each["what"], fg=_COLOURS[each["what"]]), f"{escaped(kind)} {escaped(f'{namespace}/{name}')}"]
    if each["state"] in ("stopped", "pending"):
        words.append(click.style(each["state"], fg="red"))
    if each["served_after_s"] is not None:
        words.append(f"served after {after(each['served_after_s'])}")
    return "  ".join([when, *words, *([f"({escaped(each['source'])})"] if each["source"] else [])])
