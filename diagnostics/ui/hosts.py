"""Hosts: which names are served where, in clear text or with which certificate, and when that ends."""

import time
from collections.abc import Mapping
from typing import Any, Final

from diagnostics.ui.certificates import Certificate, certificate_of
from diagnostics.ui.query import Query, paged
from diagnostics.ui.sources import Sources, page_of
from diagnostics.view import View

SIZE: Final = 50


async def gather(sources: Sources, query: Query) -> dict[str, Any]:
    """The names, which the translator knows."""
    question = {"ask": "hosts", "find": query.text("find"), "listener": ""}
    return {"told": await page_of(sources, question, query, SIZE), "now": time.time()}


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """What the template shows: the names by name, each with the places where it is served."""
    known: dict[str, Certificate] = {}
    found: dict[str, list[dict[str, Any]]] = {}
    answer, now = told["told"], told["now"]
    for entry in answer.get("hosts", ()):
        for secret in entry["certificates"]:
            known.setdefault(secret, certificate_of(view, secret))
        certificates = [{"told": known[each], "state": known[each].state(now)} for each in entry["certificates"]]
        found.setdefault(entry["name"], []).append({**entry, "certificates": certificates})
    return {
        "error": answer.get("error"),
        "hosts": found,
        "page": paged(query, answer.get("of", 0), SIZE),
        "find": query.text("find"),
        "now": now,
    }
