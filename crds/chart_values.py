"""What may be said in the values of the chart `dragoman`, and what becomes of it: Emissary's keys are all here.

The chart's schema, what it warns of, and the tables of docs/helm.md are made of this list. A key that is gone is taken
in any form, since a file of values that Emissary's chart takes must install; whoever asks for something by it is told.
"""

from dataclasses import dataclass
from typing import Any, Final

_OBJECT: Final = ("object",)
_LIST: Final = ("array",)
_BOOLEAN: Final = ("boolean",)
_INTEGER: Final = ("integer",)


@dataclass(frozen=True, slots=True)
class Value:
    """A key by its path. `gone`: nothing comes of it, and `text` is the sentence that says what to do instead."""

    path: str
    text: str
    types: tuple[str, ...] = ("string",)
    gone: bool = False
    only: tuple[str, ...] = ()
    """The texts that it may be; empty: any."""
    more: tuple[tuple[str, Any], ...] = ()
    """Further keywords of JSON Schema."""


def _gone(path: str, text: str) -> Value:
    return Value(path, text, gone=True)


_TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer")
_POLICIES: Final = ("", "Cluster", "Local")
_PORTS: Final = (
    ("items", {"type": "object", "required": ["name", "port"], "properties": {"name": {"type": "string"}}}),
)
_OBJECTS: Final = (("additionalProperties", {"type": ["object", "null"]}),)
_EMPTY: Final = (("maxProperties", 0),)

VALUES: Final = (
    Value("nameOverride", "the label `app.kubernetes.io/name`, and the end of names, instead of `dragoman`"),
    Value("replaces", "the chart whose release is taken over with its names: `emissary-ingress`, `ambassador`"),
    Value("fullnameOverride", "the name of what is made, instead of the release's with `nameOverride` behind it"),
    Value("namespaceOverride", "the namespace of what is made, instead of the release's"),
    Value("deploymentNameOverride", "the Deployment's name"),
    Value("containerNameOverride", "the container's name, instead of `dragoman`"),
    Value("image.repository", "the image; a name of Emissary's own image is not taken, and said"),
    Value("image.tag", "its tag; empty: none", ("string", "number")),
    Value("image.fullImageOverride", "the image with its tag or digest, instead of both"),
    Value("image.pullPolicy", "when it is pulled", only=("Always", "IfNotPresent", "Never")),
    Value("imagePullSecrets", "of the pods: `[{name: ...}]`", _LIST),
    Value("docker.useImagePullSecret", "whether the ServiceAccount has one", _BOOLEAN),
    Value("docker.imagePullSecretName", "which"),
    Value("replicaCount", "pods of the Deployment", _INTEGER, more=(("minimum", 0),)),
    Value("daemonSet", "a DaemonSet instead of the Deployment", _BOOLEAN),
    Value("deploymentStrategy", "of the Deployment, or the DaemonSet's `updateStrategy`", _OBJECT),
    Value("progressDeadlines.ambassador", "`progressDeadlineSeconds` of the Deployment", ("integer", "string")),
    _gone("progressDeadlines.agent", "there is no agent"),
    Value("autoscaling.enabled", "a HorizontalPodAutoscaler; `replicaCount` is not said then", _BOOLEAN),
    Value("autoscaling.minReplicas", "the least pods", _INTEGER),
    Value("autoscaling.maxReplicas", "the most pods", _INTEGER),
    Value("autoscaling.metrics", "what is measured, in percent of `resources.requests`", _LIST),
    Value("autoscaling.behavior", "how fast", _OBJECT),
    Value("podDisruptionBudget", "its spec; `minAvailable` takes the place of `maxUnavailable`; null: none", _OBJECT),
    Value("topologySpreadConstraints", "of the pods; their `labelSelector` is added where none is said", _LIST),
    Value("env", "variables by name, as [the image](image.md#environment) has them: `AMBASSADOR_ID`, ...", _OBJECT),
    Value(
        "envRaw",
        "further variables, as YAML in a text with templates",
        ("string", "object"),
        more=_EMPTY,
    ),
    Value("resources", "of the container, instead of all of [these](sizing.md)", _OBJECT),
    Value("runVolume.sizeLimit", "of the memory at `/run/dragoman`: [sizing](sizing.md#memory)"),
    Value("terminationGracePeriodSeconds", "15 more than `DRAGOMAN_DRAIN_MAX`", ("integer", "string")),
    Value("livenessProbe", "the probe's times, beside the chart's", _OBJECT),
    Value("readinessProbe", "the same", _OBJECT),
    Value("startupProbe", "the same; it asks whether the pod is alive, not whether it is ready", _OBJECT),
    Value("lifecycle", "of the container; draining needs none: it begins with SIGTERM", _OBJECT),
    Value("restartPolicy", "of the pods", only=("", "Always")),
    Value("security.podSecurityContext", "of the pods, beside the chart's", _OBJECT),
    Value("security.containerSecurityContext", "of the container, beside the chart's", _OBJECT),
    _gone("security.podSecurityPolicy", "Kubernetes has no PodSecurityPolicies any more; the pods are `restricted`"),
    Value("securityContext", "an older name of `security.podSecurityContext`, before which it goes", _OBJECT),
    Value("podLabels", "further labels of the pods", _OBJECT),
    Value("podAnnotations", "annotations of the pods, beside the chart's", _OBJECT),
    Value("deploymentLabels", "further labels of the Deployment", _OBJECT),
    Value("deploymentAnnotations", "its annotations", _OBJECT),
    Value("priorityClassName", "of the pods"),
    Value("nodeSelector", "of the pods", _OBJECT),
    Value("tolerations", "of the pods", _LIST),
    Value("affinity", "of the pods", _OBJECT),
    Value("dnsPolicy", "of the pods"),
    Value("hostNetwork", "whether the pods have the node's network", _BOOLEAN),
    Value("initContainers", "of the pods", _LIST),
    Value("sidecarContainers", "containers beside ours", _LIST),
    Value("volumes", "further volumes", _LIST),
    Value("volumesRaw", "further volumes, as YAML in a text with templates"),
    Value("volumeMounts", "where they are mounted", _LIST),
    Value("volumeMountsRaw", "the same, as YAML in a text with templates"),
    Value("service.type", "of the Service where clients come in", only=_TYPES),
    Value("service.ports", "`name`, `port`, `targetPort`, `nodePort`, `protocol`, `hostPort`", _LIST, more=_PORTS),
    Value("service.portsRaw", "further ports, as YAML in a text with templates"),
    Value("service.nameOverride", "its name"),
    Value("service.annotations", "its annotations", _OBJECT),
    Value("service.labels", "further labels", _OBJECT),
    Value("service.selector", "instead of the chart's labels: also of the Deployment, which never changes it", _OBJECT),
    Value("service.loadBalancerClass", "Kubernetes' field of that name; so the next ones"),
    Value("service.loadBalancerIP", ""),
    Value("service.loadBalancerSourceRanges", "", _LIST),
    Value("service.externalTrafficPolicy", "", only=_POLICIES),
    Value("service.internalTrafficPolicy", "", only=_POLICIES),
    Value("service.sessionAffinity", "", only=("", "None", "ClientIP")),
    Value("service.sessionAffinityConfig", "", _OBJECT),
    Value("service.externalIPs", "", _LIST),
    Value("service.ipFamilies", "", _LIST),
    Value("service.ipFamilyPolicy", ""),
    _gone("service.port", "say it in `service.ports`"),
    Value("adminService.create", "the Service of health, metrics and diagnostics", _BOOLEAN),
    Value("adminService.type", "its type", only=_TYPES),
    Value("adminService.port", "its port", _INTEGER),
    Value("adminService.portName", "its port's name"),
    Value("adminService.nodePort", "its node port", ("integer", "string")),
    Value("adminService.annotations", "its annotations", _OBJECT),
    Value("adminService.labels", "further labels", _OBJECT),
    Value("adminService.loadBalancerIP", "with `type: LoadBalancer`"),
    Value("adminService.loadBalancerSourceRanges", "the same", _LIST),
    _gone("adminService.snapshotPort", "no snapshot is served; `/ambassador/v0/diag/?json=true` tells what there is"),
    Value("serviceAccount.create", "whether it is made; else `name`, or `default`, is used", _BOOLEAN),
    Value("serviceAccount.name", "its name"),
    Value("serviceAccount.annotations", "its annotations", _OBJECT),
    Value("serviceAccount.extra", "further YAML at its end, with templates"),
    Value("rbac.create", "whether roles and bindings are made: [the rights](rbac.md)", _BOOLEAN),
    Value("rbac.nameOverride", "their name: for two releases of one name in one cluster"),
    Value("rbac.secretNames", "with `scope.singleNamespace`, the Secrets that may be read; `[]`: all there", _LIST),
    _gone("rbac.podSecurityPolicies", "Kubernetes has no PodSecurityPolicies any more"),
    Value("scope.singleNamespace", "only the objects of its own namespace count, with rights there alone", _BOOLEAN),
    Value("namespace.name", "its own namespace, `AMBASSADOR_NAMESPACE`, where that is not the pods'"),
    Value("createDefaultListeners", "Listeners at 8080 (HTTP) and 8443 (HTTPS) for Hosts of all namespaces", _BOOLEAN),
    Value("listeners", "Listeners by name: `{create: true, spec: ...}`", _OBJECT, more=_OBJECTS),
    Value(
        "module",
        "the `config` of the Module `ambassador`; none is made where it is empty or has `enabled: false`",
        _OBJECT,
    ),
    Value("resolvers.endpoint.create", "a KubernetesEndpointResolver", _BOOLEAN),
    Value("resolvers.endpoint.name", "its name"),
    Value("resolvers.consul.create", "a ConsulResolver", _BOOLEAN),
    Value("resolvers.consul.name", "its name"),
    Value("resolvers.consul.spec", "its spec", _OBJECT),
    Value("ambassadorConfig", "objects in a file of the pods, as YAML in a text; its changes are followed"),
    Value("ingressClassResource.enabled", "an IngressClass", _BOOLEAN),
    Value("ingressClassResource.name", "its name"),
    Value("ingressClassResource.default", "whether it is the class of Ingresses that name none", _BOOLEAN),
    Value("ingressClassResource.controllerValue", "its controller; no other is Dragoman's"),
    Value("ingressClassResource.parameters", "its parameters", _OBJECT),
    Value("gatewayAPI.enabled", "the GatewayClass `dragoman` and [its rights](install.md#gateway-api)", _BOOLEAN),
    Value(
        "gatewayAPI.dedicatedAddresses",
        "a second class, `dragoman-dedicated`, whose Gateways have [addresses of their "
        "own](gateway-api.md#addresses-of-their-own), and its rights",
        _BOOLEAN,
    ),
    Value(
        "gatewayAPI.provisioned",
        "a third class, `dragoman-provisioned`, whose Gateways have [pods of their "
        "own](gateway-api.md#pods-of-their-own), and its rights; with `gatewayAPI.dedicatedAddresses`, whose rights it "
        "needs as well",
        _BOOLEAN,
    ),
    Value("knative.enabled", "[Knative](knative.md) is served, with its rights", _BOOLEAN),
    *(
        Value(f"metrics.{which}.{key}", text, types)
        for which, what in (("serviceMonitor", "ServiceMonitor"), ("podMonitor", "PodMonitor"))
        for key, text, types in (
            ("enabled", f"a {what} for the Prometheus operator", _BOOLEAN),
            ("interval", "how often it asks", ("string",)),
            ("scrapeTimeout", "how long it waits", ("string",)),
            ("selector", "labels by which the operator finds it", _OBJECT),
            ("relabelings", "the operator's field of that name", _LIST),
            ("metricRelabelings", "the same", _LIST),
        )
    ),
    Value("metrics.prometheusRule.enabled", "[alerts](metrics.md#alerts) for the Prometheus operator", _BOOLEAN),
    Value("metrics.prometheusRule.selector", "labels by which the operator finds them", _OBJECT),
    Value("metrics.boards.enabled", "ConfigMaps with [boards](metrics.md#boards) for Grafana's sidecar", _BOOLEAN),
    Value("metrics.boards.labels", "by which the sidecar finds them", _OBJECT),
    Value("metrics.boards.annotations", "such as the folder in Grafana", _OBJECT),
    Value("networkPolicy.enabled", "a NetworkPolicy: clients at the Listeners' ports, and the admin port", _BOOLEAN),
    Value("networkPolicy.adminFrom", "who may ask the admin port; `[]`: all pods", _LIST),
    Value("networkPolicy.egress", "what the pods may ask; `[]`: everything", _LIST),
    _gone("agent", "there is no cloud to report to"),
    _gone("authService", "that was Edge Stack's; declare an AuthService for one of your own"),
    _gone("barePod", "a Deployment or DaemonSet is made"),
    _gone("canary", "install a second release with the other image, and lead a part of the traffic there"),
    _gone("crds", "the kinds are in the chart dragoman-crds"),
    _gone("createDevPortalMappings", "there is no DevPortal"),
    _gone("createNamespace", "say --create-namespace to helm"),
    _gone("defaultImageRepository", "say image.repository"),
    _gone("deploymentTool", "the label app.kubernetes.io/managed-by is Helm's"),
    _gone("devportal", "there is no DevPortal"),
    _gone("emissary-ingress", "Edge Stack's chart had Emissary's values under this key: write them one level higher"),
    _gone("enableAES", "there is no Edge Stack"),
    _gone("licenseKey", "there is no licence"),
    _gone(
        "prometheusExporter", "Prometheus asks the admin Service: metrics.serviceMonitor; or say STATSD_ENABLED in env"
    ),
    _gone("rateLimit", "that was Edge Stack's; declare a RateLimitService for one of your own"),
    _gone("redis", "nothing here needs Redis"),
    _gone("redisEnv", "nothing here needs Redis"),
    _gone("redisURL", "nothing here needs Redis"),
    _gone("servicePreview", "that was Edge Stack's"),
    _gone("test", "NOTES.txt says what to ask"),
    _gone("waitForApiext", "pods become ready when the kinds can be read; older versions: the chart dragoman-crds"),
)

CRD_VALUES: Final = (
    Value("enableLegacyVersions", "v1 and v2 as well, and the pods that [convert](older-versions.md) them", _BOOLEAN),
    Value("keep", "whether the kinds, their objects and what converts them stay when the release goes", _BOOLEAN),
    Value("validation", "the API server's own warnings and refusals: `deploy/validation.yaml`", _BOOLEAN),
    Value("image.repository", "the image of the pods that convert; the gateway's"),
    Value("image.tag", "its tag; empty: none", ("string", "number")),
    Value("image.pullPolicy", "when it is pulled", only=("Always", "IfNotPresent", "Never")),
    Value("imagePullSecrets", "of these pods", _LIST),
    _gone("apiext", "what converts is Dragoman's own image: image.repository"),
    _gone("defaultImageRepository", "say image.repository"),
    _gone("emissary", "the pods that convert are in the release's namespace"),
    _gone("enableV1", "v1 comes with enableLegacyVersions"),
)
