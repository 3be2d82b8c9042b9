"""How a dataclass reads JSON and describes itself as a schema; `translator.decode` is the door to it."""
