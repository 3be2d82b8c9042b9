"""The process that answers Kubernetes when an object of one version is asked for in another.

    review     a ConversionReview to its answer; pure
    authority  certificates: who signs, who serves, when they are renewed; pure but for randomness
    decision   what is in the cluster -> what to do about it; pure
    cluster    reads and writes the Secret and the CRDs
    deep       what is nested too deeply for us is set aside, and put back
    server     HTTPS: POST /convert, GET /healthz and /readyz
    __main__   the process

It runs in pods of its own, which are ready when a CRD of getambassador.io is converted by our Service.
"""
