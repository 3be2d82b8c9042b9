"""What Envoy reads while it runs: a layer of its runtime, over the one of its bootstrap."""

from collections.abc import Iterable
from typing import Final

from envoyapi.service_runtime_v3 import Runtime
from envoyapi.wire import struct
from translator import ir
from translator.resources import Resource, resource

LAYER: Final = "dragoman"
"""The name that the bootstrap (`envoy/bootstrap.json`) asks for."""


def encode_runtime(rows: Iterable[ir.RuntimeValues]) -> Resource:
    """The layer with these values."""
    values = {name: value for row in rows for name, value in row.values}
    return resource(Runtime(name=LAYER, layer=struct(values)))
