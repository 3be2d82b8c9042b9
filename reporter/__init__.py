"""Tells the cluster what became of each object: statuses and Events, by one of the replicas. Its death harms nobody.

    snapshot: what statuses should say (`statuses`), what they say (`live`)
        --> agenda    whose turn it is, not too often
        --> looking   what one object lacks: pure
        --> writing   server-side apply, Events

Only who holds the lease does any of this; the others wait for it, and know nothing meanwhile.
"""
