"""What people write: Emissary's kinds as dataclasses, one file each, whose fields say what is valid.

A field that has no effect says so itself, and whoever gives it is told. In SILENT are those that mean nothing to a
gateway. `translator.emissary.objects` reads objects into them.
"""
