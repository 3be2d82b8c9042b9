"""The fields of a Mapping that are not about which request goes where: a file each, from what people write to the IR.

Each file has the type that is decoded and what it means. A function that is asked for the meaning gets the Mapping and
all members of its group, since some fields are shared by a group (see `translator.emissary.grouping`).
"""
