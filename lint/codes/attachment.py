"""DRG05: what is valid, and nothing leads to it."""

from typing import Final

from lint.codes.schema import GOOD
from lint.findings import Code


def _object(kind: str, name: str, spec: str) -> str:
    return f"---\napiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


_HOST: Final = _object("Host", "shop", "{hostname: shop.example.com, requestPolicy: {insecure: {action: Route}}}")
_LISTENER: Final = "{port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}%s}}"

MAPPING: Final = Code(
    id="DRG0501",
    title="Mapping that no Host serves",
    severity="warning",
    why="No Host fits the Mapping's hostname, or selects it by its labels, or the Host that does is not served "
    "itself: no "
    "request can reach it.",
    mend="Compare the Mapping's hostname and labels with the Hosts'.",
    wrong=_HOST + _object("Mapping", "quote", "{hostname: other.example.org, prefix: /, service: quote}"),
    right=_HOST + _object("Mapping", "quote", "{hostname: shop.example.com, prefix: /, service: quote}"),
)
HOST: Final = Code(
    id="DRG0502",
    title="Host that no Listener serves",
    severity="warning",
    why="The hostBinding of no Listener includes the Host, or they take only what it rejects: nobody can ask for it.",
    mend="Compare the Host's namespace and labels with the Listeners' hostBinding.",
    wrong=_HOST + _object("Listener", "http", _LISTENER % ", selector: {matchLabels: {stage: prod}}"),
    right=_HOST + _object("Listener", "http", _LISTENER % ""),
)
LISTENER: Final = Code(
    id="DRG0503",
    title="Listener that leads to nothing",
    severity="error",
    why="No Host that is served is bound to the Listener, and no TCPMapping wants its port: the port stays shut.",
    mend="Change its hostBinding, or remove it.",
    wrong=HOST.wrong,
    right=HOST.right,
)
OTHER: Final = Code(
    id="DRG0504",
    title="object that nothing leads to",
    severity="warning",
    why="The object is valid, and there is no Host, Listener or other Mapping through which a request could reach it.",
    mend="Add what leads to it, or remove it.",
    wrong=_object("Mapping", "copy", '{hostname: "*", prefix: /copy/, service: quote, shadow: true}'),
    right=GOOD,
)

_CLASS: Final = """---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: dragoman}
spec: {controllerName: getambassador.io/dragoman}
"""
_GATEWAY: Final = """---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: %s
  listeners: [{name: http, port: 8080, protocol: HTTP}]
"""
_ROUTE: Final = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: hello}
spec:
  parentRefs: [{name: %s}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
"""
CLASSLESS: Final = Code(
    id="DRG0505",
    title="Gateway or Ingress of no class of ours",
    severity="warning",
    why="The class that is named is not in these files, or is another controller's; or an Ingress names none, and no "
    "class is the default one. In a cluster the class may be there, and another controller may serve the object. "
    "Dragoman does not, and from a folder nobody else does.",
    mend="Correct the name, add the class, or silence the code where the cluster has it.",
    wrong=_CLASS + _GATEWAY % "dragomann",
    right=_CLASS + _GATEWAY % "dragoman",
)
ASTRAY: Final = Code(
    id="DRG0506",
    title="route or ListenerSet whose parent is not here",
    severity="warning",
    why="What a parentRef names is not in these files, is no Gateway or ListenerSet, or is not served itself: no "
    "request can reach the object.",
    mend="Correct the reference (a parent of another namespace needs `namespace`), add the Gateway, or silence the "
    "code where the cluster has it.",
    wrong=_CLASS + _GATEWAY % "dragoman" + _ROUTE % "wbe",
    right=_CLASS + _GATEWAY % "dragoman" + _ROUTE % "web",
)
OTHERS: Final = Code(
    id="DRG0507",
    title="object for another gateway",
    severity="advice",
    why="The object's ambassador_id does not name this gateway (AMBASSADOR_ID, else `default`), which leaves it out. "
    "That is well where several gateways read the same files.",
    mend="Name this gateway, or run lint with the AMBASSADOR_ID of the gateway that is meant; else all is well.",
    wrong=_object("Mapping", "quote", '{hostname: "*", prefix: /quote/, service: quote, ambassador_id: [blue]}'),
    right=_object("Mapping", "quote", '{hostname: "*", prefix: /quote/, service: quote, ambassador_id: [default]}'),
)

CODES: Final = (MAPPING, HOST, LISTENER, OTHER, CLASSLESS, ASTRAY, OTHERS)
