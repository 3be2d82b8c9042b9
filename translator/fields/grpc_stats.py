"""`grpc_stats` of the Module: calls are counted."""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated

from translator.checks import PlainText
from translator.decode import Problem, Rule, rule
from translator.filters.grpc_stats import GrpcStats
from translator.values import dataclass

_Name = Annotated[PlainText, Rule(min_size=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """Methods of a service that are counted each by itself."""

    name: _Name = field(metadata=rule("The service, such as `package.Service`."))
    method_names: tuple[_Name, ...] = field(metadata=rule("Its methods.", min_size=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcStatsSpec:
    """Calls by gRPC are counted."""

    all_methods: bool = field(
        default=False, metadata=rule("Each method by itself; whoever calls can make up names, so beware of clients.")
    )
    services: tuple[Methods, ...] = field(
        default=(), metadata=rule("Only these methods each by itself; goes before all_methods.")
    )
    upstream_stats: bool = field(default=False, metadata=rule("Also how long calls take."))

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        if self.all_methods and self.services:
            yield Problem("all_methods", "has no effect beside services", stops=False)

    @property
    def stats(self) -> GrpcStats:
        """What is counted."""
        methods = tuple([(each.name, each.method_names) for each in self.services])
        return GrpcStats(methods, self.all_methods and not methods, self.upstream_stats)
