"""DRG03: what an object names, and is not there or of no use."""

from typing import Final

from lint.findings import Code

_HOST: Final = """apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: shop}}
spec:
  hostname: shop.example.com
  {tls}
"""
_BROKEN: Final = """---
apiVersion: v1
kind: Secret
metadata: {name: shop}
type: kubernetes.io/tls
stringData: {tls.crt: none, tls.key: none}
"""
_SERVICE: Final = """apiVersion: v1
kind: Service
metadata: {{name: quote}}
spec:
  ports: [{{port: 80}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: quote-1, labels: {{kubernetes.io/service-name: quote}}}}
addressType: IPv4
ports: [{{port: 8080}}]
endpoints: [{{addresses: [10.0.0.1]}}]
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: quote}}
spec: {{hostname: "*", prefix: /quote/, service: "{service}"}}
"""

SECRET: Final = Code(
    id="DRG0301",
    title="Secret or file that is of no use",
    severity="error",
    why="The Secret or file that is named is there, and holds no certificate, key, CA or list that can be used. Who "
    "needs "
    "it is not served: clear text never takes its place.",
    mend="Mend the Secret or the file; the message says what is wrong with it.",
    wrong=_HOST.format(tls="tlsSecret: {name: shop}") + _BROKEN,
    right=_HOST.format(tls="requestPolicy: {insecure: {action: Route}}"),
)
ABSENT: Final = Code(
    id="DRG0302",
    title="Secret that is not in these files",
    severity="warning",
    why="Secrets are seldom kept beside the objects that name them, so this may be well; it is told because whoever "
    "names "
    "a Secret that is not in the cluster is not served. Everything else is judged as if the Secret were there.",
    mend="See to it that the cluster has the Secret before the object is applied, or silence the code.",
    wrong=_HOST.format(tls="tlsSecret: {name: shop}"),
    right=_HOST.format(tls="requestPolicy: {insecure: {action: Route}}"),
)
CONTEXT: Final = Code(
    id="DRG0303",
    title="TLSContext that is missing or stopped",
    severity="error",
    why="The TLSContext that is named is not there, or its own problems stop it, and who names it with it.",
    mend="Correct the name, or mend the TLSContext.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: "*", prefix: /quote/, service: quote, tls: upstream}
""",
    right="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: "*", prefix: /quote/, service: "https://quote"}
""",
)
BACKEND: Final = Code(
    id="DRG0304",
    title="service or resolver that leads nowhere",
    severity="warning",
    why="There is no such port of the Service, no such Service, or no such resolver: requests are answered 503.",
    mend="Correct the service, the Service's ports, or the name of the resolver.",
    wrong=_SERVICE.format(service="quote:81"),
    right=_SERVICE.format(service="quote:80"),
)

CODES: Final = (SECRET, ABSENT, CONTEXT, BACKEND)
