"""The schemas of statuses, made from what the translator writes into them.

Unknown fields are kept, so that a newer Dragoman may say more under older CRDs, and two may run side by side.
"""

from typing import Any, Final

from translator.decode import schema_of
from translator.status_fields import HostStatus, StateStatus

_OPEN: Final[dict[str, Any]] = {"x-kubernetes-preserve-unknown-fields": True}

STATE_STATUS: Final[dict[str, Any]] = schema_of(StateStatus) | _OPEN

HOST_STATUS: Final[dict[str, Any]] = schema_of(HostStatus) | _OPEN
