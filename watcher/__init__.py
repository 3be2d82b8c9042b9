"""Keeps the snapshot's objects equal to a folder of YAML, or to a cluster.

    notices (inotify), polls --> agenda: when to look at what
    folder: look, read       --> lanes --> reader: documents --> objects
                                 limits: what each may take; tree: what is inside
    kinds, trimming          --> what is watched in a cluster, and what of an object is kept
    catalog                  --> consul, named_files: what the translator wants to know besides
    reflector                --> what to ask the API server (asking, outage), and what its answers mean (refusals,
                                 collecting): watch events
    cluster, secrets         --> what follows for the whole; watching: the shell that runs it
    state: what sources say  --> changes   --> publishing: the snapshot

`state` is the seam between where objects come from and what is published: it takes events and gives changes, and does
no input or output. A file is one kind of source; some objects of a kind in a cluster are another.
"""
