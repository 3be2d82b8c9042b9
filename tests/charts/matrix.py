"""Values that are tried together: of each two axes, each pair of values is in some row."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.charts.rendering import EMISSARYS, over

Row = tuple[str, ...]

_MONITOR: Final = {
    "enabled": True,
    "interval": "30s",
    "scrapeTimeout": "10s",
    "selector": {"release": "prometheus"},
    "relabelings": [{"action": "replace", "sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}],
    "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "envoy_listener_.*"}],
}
_MEMORY: Final = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}}
_REQUESTS: Final = {"metric": {"name": "requests"}, "target": {"type": "AverageValue", "averageValue": "2k"}}
_ON_NODES: Final = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}

AXES: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "pods": {
        "Deployment": {},
        "DaemonSet": {"daemonSet": True, "deploymentStrategy": {"rollingUpdate": {"maxSurge": 1}}},
        "autoscaler": {"autoscaling": {"enabled": True}},
        "autoscaler with all": {
            "autoscaling": {
                "enabled": True,
                "minReplicas": 2,
                "maxReplicas": 40,
                "metrics": [{"type": "Resource", "resource": _MEMORY}, {"type": "Pods", "pods": _REQUESTS}],
                "behavior": {
                    "scaleUp": {"policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
                    "scaleDown": {"stabilizationWindowSeconds": 600, "selectPolicy": "Disabled"},
                },
            }
        },
    },
    "names": {"ours": {}, "Emissary's": EMISSARYS, "others": {"fullnameOverride": "edge", "nameOverride": "gateway"}},
    "scope": {"cluster": {}, "namespace": {"scope": {"singleNamespace": True}}},
    "apis": {
        "ours": {},
        "Gateway API": {"gatewayAPI": {"enabled": True}, "knative": {"enabled": True}},
        "Gateways' own": {"gatewayAPI": {"enabled": True, "dedicatedAddresses": True, "provisioned": True}},
    },
    "spread": {
        "default": {},
        "none": {"topologySpreadConstraints": []},
        "its own": {
            "topologySpreadConstraints": [
                {**_ON_NODES, "minDomains": 2, "nodeTaintsPolicy": "Honor"},
                {**_ON_NODES, "topologyKey": "rack", "labelSelector": {"matchLabels": {"a": "b"}}, "minDomains": 1},
            ]
        },
    },
    "policy": {
        "none": {},
        "default": {"networkPolicy": {"enabled": True}},
        "both ways": {
            "networkPolicy": {
                "enabled": True,
                "adminFrom": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}],
                "egress": [{"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}],
            }
        },
    },
    "watched": {
        "by nobody": {},
        "by Services": {"metrics": {"serviceMonitor": {"enabled": True}, "boards": {"enabled": True}}},
        "by all": {
            "metrics": {
                "serviceMonitor": _MONITOR,
                "podMonitor": _MONITOR,
                "prometheusRule": {"enabled": True, "selector": {"release": "prometheus"}},
            }
        },
    },
    "ports": {
        "default": {},
        "UDP as well": {
            "service": {
                "ports": [
                    {"name": "https", "port": 443, "targetPort": 8443},
                    {"name": "h3", "port": 443, "targetPort": 8443, "protocol": "UDP"},
                ]
            },
            "createDefaultListeners": True,
        },
    },
}


def rows() -> Iterator[Row]:
    """Few rows in which all pairs are, always the same."""
    axes = [list(values) for values in AXES.values()]
    left = {
        ((one, a), (two, b))
        for one, two in itertools.combinations(range(len(axes)), 2)
        for a in axes[one]
        for b in axes[two]
    }
    everything = list(itertools.product(*axes))
    while left:
        row = max(everything, key=lambda row: len(left & _pairs(row)))
        left -= _pairs(row)
        yield row


def _pairs(row: Row) -> set[tuple[tuple[int, str], tuple[int, str]]]:
    return set(itertools.combinations(enumerate(row), 2))


def values_of(row: Row) -> dict[str, Any]:
    """A row's values, one axis' over the others'."""
    values: dict[str, Any] = {}
    for axis, name in zip(AXES.values(), row, strict=True):
        values = over(values, dict(axis[name]))
    return values


ROWS: Final = tuple(rows())
