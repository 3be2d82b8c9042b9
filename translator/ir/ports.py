"""A port, as whoever wants one and whoever has one say it."""

from typing import Literal

Port = tuple[Literal["TCP", "UDP"], int]
"""A port: one of UDP has nothing to do with one of TCP of the same number."""


def tcp(number: int) -> Port:
    """The port of TCP with this number."""
    return "TCP", number
