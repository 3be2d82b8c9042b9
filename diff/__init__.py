"""What a change of objects would change for Envoy: `dragoman diff`.

Two configurations are made by the translator itself, and compared by what each listener, host, route, cluster and
certificate is to Envoy (`outline`, `comparing`), never by the text of files. Where objects come from is in `sources`;
two Envoys are asked the same requests in `proving`.
"""
