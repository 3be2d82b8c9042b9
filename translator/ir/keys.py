"""Which object something came from."""

ObjectKey = str
"""`<group>/<Kind>/<namespace>/<name>`, for instance `getambassador.io/Mapping/default/quote`."""
