"""What people write: Emissary's kinds as dataclasses, one file each, whose fields say what is valid.

A kind also says, in UNSERVED, which of its fields this version knows but does not serve: they are told, not ignored in
silence. In SILENT are those that mean nothing to a gateway. `translator.emissary.objects` reads objects into them.
"""
