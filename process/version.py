"""Which Dragoman this is."""

VERSION = "0.1.0"
"""The version of pyproject.toml, which is not in the image; a test holds them equal."""
