"""The kinds of Gateway API, one file each: what is read of them, and what is valid, as their CRDs have it.

A folder has no API server, so that what the CRDs say by CEL is asked here, too. Fields that are not read are nobody's
mistake: an API server would have pruned them.
"""
