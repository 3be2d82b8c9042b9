"""Emissary's API: from its kinds to the IR, by its rules. The way in is `translator.emissary.tables`."""
