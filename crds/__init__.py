"""What Kubernetes must know of our kinds, made from the dataclasses that the translator reads objects into.

So a CRD cannot promise what the translator refuses: `python -m crds` (`make crds`) writes the files in `deploy/` that
say MADE in their first lines, and from these what the charts have of them; a test fails when they are stale. Nothing
here runs in the image.
"""
