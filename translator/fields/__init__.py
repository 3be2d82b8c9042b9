"""What people may say of requests and services in any API: a file each, from what is written to values of the IR.

Each file has the type that is decoded and what it means. Mappings, the Module and the policies of Gateway API have
these as fields of their own, so that what is new is written once. A function that is asked for the meaning gets what
each member of a group of Mappings says, where some fields are shared by a group (`translator.emissary.grouping`).
"""
