"""Keeps the snapshot's objects equal to a folder of YAML.

    notices (inotify), polls --> agenda: when to look at what
    folder: look, read       --> documents --> objects
    state: sources' objects  --> changes   --> publishing: the snapshot

`state` is the seam between where objects come from and what is published: it takes events and gives changes, and does
no input or output. A file is one kind of source; anything else that can list objects is another.
"""
