"""What one feature says of how HTTP is spoken with clients."""

from collections.abc import Callable
from dataclasses import field
from typing import TypeAlias

from envoyapi.config_accesslog_v3 import AccessLog
from translator.ir import Backend
from translator.values import dataclass

Named: TypeAlias = Callable[[Backend], str]
"""Gives the name of a backend's cluster."""


@dataclass(frozen=True, slots=True)
class Part:
    """Fields of Envoy's HttpConnectionManager, and of its Router; logs are added up, as there may be several."""

    manager: dict[str, object] = field(default_factory=dict)
    router: dict[str, object] = field(default_factory=dict)
    access_log: tuple[AccessLog, ...] = ()
