"""The flow of requests as a picture: Listener, Host, route, backend. What is chosen in a column opens the next one.

The picture is made here, of what the translator says of the names and of the routes of one; a browser only draws it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.view import View

MOST: Final = 24
"""Boxes of a column; of more there is a line that says so, and a search."""
COLUMNS: Final = ("Listener", "Host", "Route", "Backend")
WIDE, HIGH, GAP, STEP, TOP = 230, 44, 84, 56, 40
"""Measures of a box, and of what is between them, in the picture's own units."""
LETTERS: Final = 27
"""So many fit into a line of a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A thing in the picture; `link` where a click leads, `state` how it is drawn."""

    title: str
    text: str
    link: str
    is_chosen: bool = False
    state: str = ""
    column: int = 0
    row: int = 0

    @property
    def x(self) -> int:
        """Its left side."""
        return self.column * (WIDE + GAP) + 4

    @property
    def y(self) -> int:
        """Its upper side."""
        return TOP + self.row * STEP

    @property
    def short(self) -> str:
        """What fits of its title."""
        return _short(self.title)

    @property
    def short_text(self) -> str:
        """What fits of the line below it."""
        return _short(self.text)


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}\u2026"


async def gather(sources: Sources, query: Query) -> dict[str, Any]:
    """The names of the Listener that is chosen, or of the first, and the routes of the Host that is."""
    listener = query.words.get("listener", "")
    question = {"ask": "hosts", "find": query.text("find"), "from": 0, "most": MOST}
    hosts = await sources.translator({**question, "listener": listener})
    if not listener and hosts.get("hosts"):  # a name may be served at several
        hosts = await sources.translator({**question, "listener": hosts["hosts"][0]["listener"]})
    chosen = _chosen_host(hosts, query)
    if chosen is None or chosen["number"] is None:
        return {"hosts": hosts, "host": chosen, "routes": {}}
    asked = {"chain": chosen["chain"], "host": chosen["number"], "find": query.text("route"), "from": 0, "most": MOST}
    return {"hosts": hosts, "host": chosen, "routes": await sources.translator({"ask": "routes", **asked})}


def _chosen_host(told: Mapping[str, Any], query: Query) -> Any:
    wanted = (query.words.get("chain", ""), query.number("host"))
    hosts = told.get("hosts", ())
    return next((each for each in hosts if (each["chain"], each["number"] or 0) == wanted), hosts[0] if hosts else None)


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """What the template shows: boxes by columns, and the lines between them."""
    hosts, routes = told["hosts"], told["routes"]
    columns = [
        list(_listeners(hosts, told["host"], query)),
        list(_hosts(hosts, told["host"], query)),
        list(_routes(view, routes.get("routes", ()), query)),
        [],
    ]
    chosen = _chosen_route(routes.get("routes", ()), query)
    does = chosen["does"] if chosen else (told["host"] or {}).get("does")
    columns[3] = list(_backends(view, does, len(columns) - 1))
    lines = [line for left, right in pairwise(columns) for line in _lines(left, right)]
    if does is not None and chosen is None:  # connections that are passed on have no routes
        lines += _lines(columns[1], columns[3])
    rows = max(len(each) for each in columns)
    return {
        "error": hosts.get("error") or routes.get("error"),
        "names": COLUMNS,
        "boxes": [box for column in columns for box in column],
        "lines": lines,
        "step": WIDE + GAP,
        "box": (WIDE, HIGH),
        "size": (4 * (WIDE + GAP) - GAP + 8, TOP + max(rows, 1) * STEP),
        "find": query.text("find"),
        "listener": query.text("listener"),
        "more_hosts": max(hosts.get("of", 0) - MOST, 0),
        "more_routes": max(routes.get("of", 0) - MOST, 0),
        "all_routes": _routes_link(told["host"]),
    }


def _listeners(told: Mapping[str, Any], host: Mapping[str, Any] | None, query: Query) -> Iterator[Box]:
    for row, each in enumerate(told.get("listeners", ())[:MOST]):
        is_chosen = host is not None and host["listener"] == each["name"]
        link = query.link(listener=each["name"], chain=None, host=None, place=None)
        yield Box(f"port {each['port']}", each["name"], link, is_chosen, column=0, row=row)


def _hosts(told: Mapping[str, Any], host: Mapping[str, Any] | None, query: Query) -> Iterator[Box]:
    for row, each in enumerate(told.get("hosts", ())):
        link = query.link(chain=each["chain"], host=each["number"] or 0, place=None, listener=each["listener"])
        yield Box(each["name"], each["protocol"], link, each is host, column=1, row=row)


def _routes(view: View, routes: Any, query: Query) -> Iterator[Box]:
    chosen = _chosen_route(routes, query)
    for row, each in enumerate(routes):
        owner = each["objects"][0] if each["objects"] else None
        status = view.statuses.rows.get(owner["key"]) if owner else None
        text = f"{owner['namespace']}/{owner['name']}" if owner else "Dragoman's own"
        state = status.state if status else ""
        link = query.link(place=each["place"])
        yield Box(each["asks"], text, link, each is chosen, state if state != "ok" else "", column=2, row=row)


def _chosen_route(routes: Any, query: Query) -> Any:
    """The route that is chosen, else the first one of somebody's."""
    if "place" in query.words:
        return next((each for each in routes if each["place"] == query.number("place")), None)
    return next((each for each in routes if each["objects"]), routes[0] if routes else None)


def _backends(view: View, does: Mapping[str, Any] | None, column: int) -> Iterator[Box]:
    if does is None:
        return
    if does["kind"] != "forwards":
        yield Box(f"{does['kind']} {does['status']}", "Envoy itself", "", column=column, row=0)
        return
    total = sum(each["weight"] for each in does["backends"]) or 1
    for row, each in enumerate(does["backends"][:MOST]):
        name = each["cluster"]
        share = f"{100 * each['weight'] / total:.0f} % of the requests"
        link = Query("cluster", {"name": name}).link() if name else ""
        ack = view.acks.rows.get(f"cluster/{name}")
        state = "stopped" if name is None or (ack and ack.refused) else ""
        yield Box(name or "nobody", share, link, False, state, column, row)
    for row, name in enumerate(does.get("mirrors", ()), len(does["backends"])):
        yield Box(name, "copies", Query("cluster", {"name": name}).link(), column=column, row=row)


def _lines(left: list[Box], right: list[Box]) -> list[str]:
    """From what is chosen in a column to all of the next one: paths of SVG."""
    chosen = next((each for each in left if each.is_chosen), None)
    if chosen is None:
        return []
    x, y, middle = chosen.x + WIDE, chosen.y + HIGH // 2, GAP // 2
    return [f"M{x} {y}C{x + middle} {y} {to.x - middle} {to.y + HIGH // 2} {to.x} {to.y + HIGH // 2}" for to in right]


def _routes_link(host: Mapping[str, Any] | None) -> str:
    if host is None or host["number"] is None:
        return ""
    return Query("routes", {"chain": host["chain"], "host": str(host["number"])}).link()
