"""What a step of the translation makes different: what the snapshot is told, and what the log is."""

from dataclasses import dataclass, field

from translator.ir import ObjectKey
from translator.quarantine import Hold
from translator.resources import Resource
from translator.statuses import Status
from translator.tables import Failure


@dataclass(slots=True)
class Publication:
    """What is different now and must be written, by key; None for what is gone."""

    resources: dict[str, Resource | None] = field(default_factory=dict)
    statuses: dict[ObjectKey, Status | None] = field(default_factory=dict)
    holds: dict[ObjectKey, Hold | None] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def then(self, later: "Publication") -> None:
        """Add what came after it, which counts where both say something."""
        self.resources |= later.resources
        self.statuses |= later.statuses
        self.holds |= later.holds
        self.failures += later.failures
