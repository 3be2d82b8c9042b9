"""How requests are told apart by the logs, which all stand in a chain: a request may have a mark, by its route.

A chain has its logs for all of its routes, and another log closes its connections. So a route says no more than a word,
and each log writes those alone that have its own.
"""

from typing import Final

NAMESPACE: Final = "dragoman.access_log"
KEY: Final = "mark"
"""Where the mark stands in Envoy's dynamic metadata."""

LINE: Final = "line:"
"""Begins the marks of requests that are told of."""
USUAL: Final = f"{LINE}usual"
"""The mark of requests that are told of as those without a mark are."""
SILENT: Final = "silent"
"""The mark of requests that nobody is told of."""
