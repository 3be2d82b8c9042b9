"""Boards for Grafana: the gateway as a whole, a service, and the control plane."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA: Final = 39
"""Grafana's, of its 11th version; later ones read it."""
_WIDTH: Final = 8
_HEIGHT: Final = 8
_COLUMNS: Final = 3

_PODS: Final = 'namespace=~"$namespace", pod=~"$pod"'
_CLUSTER: Final = f'{_PODS}, envoy_cluster_name=~"$service"'


@dataclass(frozen=True, slots=True)
class Panel:
    """A plot: `queries` by what they are called in it; `unit` as Grafana calls it."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """Plots under one title; `variables` by their names, each a query for its values."""

    file: str
    title: str
    panels: tuple[Panel, ...]
    variables: tuple[tuple[str, str], ...] = ()


_BY_POD: Final = (
    ("namespace", "label_values(dragoman_envoy_up, namespace)"),
    ("pod", 'label_values(dragoman_envoy_up{namespace=~"$namespace"}, pod)'),
)
_BY_SERVICE: Final = (
    *_BY_POD,
    ("service", f"label_values(envoy_cluster_upstream_rq_total{{{_PODS}}}, envoy_cluster_name)"),
)


def _quantiles(metric: str, of: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            f"p{percent}",
            f"histogram_quantile(0.{percent}, sum by (le) (rate({metric}_bucket{{{of}}}[$__rate_interval])))",
        )
        for percent in ("50", "95", "99")
    )


def _rate(metric: str, of: str = _PODS, by: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{of}}}[$__rate_interval]))"


def _rates(by: str, metric: str, of: str = _PODS, most: int = 0) -> tuple[tuple[str, str], ...]:
    """A line for each value of a label; `most`: only for so many, the highest."""
    rate = _rate(metric, of, by)
    return ((f"{{{{{by}}}}}", f"topk({most}, {rate})" if most else rate),)


def _now(by: str, metric: str, of: str = _PODS, how: str = "sum") -> tuple[tuple[str, str], ...]:
    return ((f"{{{{{by}}}}}", f"{how} by ({by}) ({metric}{{{of}}})"),)


_SERVICE: Final = "envoy_cluster_name"
_CLASS: Final = "envoy_response_code_class"
_SECRET: Final = "envoy_secret"  # noqa: S105 -- the name of a label
_ENDS: Final = "envoy_listener_ssl_certificate_expiration_unix_time_seconds"
_STOPPED: Final = f'dragoman_object_problems{{{_PODS}, stops="true"}}'

_GATEWAY: Final = (
    Panel("Requests", "reqps", _rates("envoy_http_conn_manager_prefix", "envoy_http_downstream_rq_total")),
    Panel("Answers", "reqps", _rates(_CLASS, "envoy_http_downstream_rq_xx")),
    Panel(
        "Latency",
        "ms",
        _quantiles("envoy_http_downstream_rq_time", _PODS),
        "From the first byte of a request to the last of its answer.",
    ),
    Panel("Connections", "short", _now("pod", "envoy_http_downstream_cx_active")),
    Panel("Failed TLS handshakes", "ops", _rates("envoy_listener_address", "envoy_listener_ssl_connection_error")),
    Panel(
        "Certificates end",
        "dateTimeFromNow",
        ((f"{{{{{_SECRET}}}}}", f"1000 * min by ({_SECRET}) ({_ENDS}{{{_PODS}}})"),),
    ),
    Panel("Envoy's memory", "bytes", _now("pod", "envoy_server_memory_allocated")),
    Panel("Services with most requests", "reqps", _rates(_SERVICE, "envoy_cluster_upstream_rq_total", most=10)),
    Panel(
        "Services with most 5xx",
        "reqps",
        _rates(_SERVICE, "envoy_cluster_upstream_rq_xx", f'{_PODS}, {_CLASS}="5"', most=10),
    ),
)

_SERVICES: Final = (
    Panel("Requests", "reqps", _rates(_SERVICE, "envoy_cluster_upstream_rq_total", _CLUSTER)),
    Panel("Answers", "reqps", _rates(_CLASS, "envoy_cluster_upstream_rq_xx", _CLUSTER)),
    Panel(
        "Latency",
        "ms",
        _quantiles("envoy_cluster_upstream_rq_time", _CLUSTER),
        "Of the service alone: from the request that went to it to the end of its answer.",
    ),
    Panel("Healthy endpoints", "short", _now(_SERVICE, "envoy_cluster_membership_healthy", _CLUSTER, "min")),
    Panel("Endpoints", "short", _now(_SERVICE, "envoy_cluster_membership_total", _CLUSTER, "max")),
    Panel("Connections", "short", _now(_SERVICE, "envoy_cluster_upstream_cx_active", _CLUSTER)),
    Panel("Connections that failed", "ops", _rates(_SERVICE, "envoy_cluster_upstream_cx_connect_fail", _CLUSTER)),
    Panel("Retries", "reqps", _rates(_SERVICE, "envoy_cluster_upstream_rq_retry", _CLUSTER)),
    Panel("Timeouts", "reqps", _rates(_SERVICE, "envoy_cluster_upstream_rq_timeout", _CLUSTER)),
    Panel(
        "Refused by circuit breakers",
        "reqps",
        _rates(_SERVICE, "envoy_cluster_upstream_rq_pending_overflow", _CLUSTER),
    ),
)

_CONTROL_PLANE: Final = (
    Panel(
        "Until a change is served",
        "s",
        _quantiles("dragoman_change_seconds", _PODS),
        "From when the watcher heard of it until Envoy had answered for all that it led to.",
    ),
    Panel("Changes", "ops", _rates("pod", "dragoman_change_seconds_count")),
    Panel("Envoy is connected", "bool_yes_no", _now("pod", "dragoman_envoy_connected", how="min")),
    Panel("Objects", "short", _now("kind", "dragoman_objects", how="max")),
    Panel(
        "Problems that stop objects",
        "short",
        (
            (
                "{{kind}} {{object_namespace}}/{{object_name}}",
                f"max by (kind, object_namespace, object_name) ({_STOPPED})",
            ),
        ),
    ),
    Panel("Resources that Envoy refuses", "short", _now("pod", "dragoman_refused_resources")),
    Panel("Objects that are not judged yet", "short", _now("pod", "dragoman_pending_objects")),
    Panel("Resources on their way", "short", _now("type", "dragoman_unanswered_resources")),
    Panel("Commits", "ops", _rates("database", "dragoman_snapshot_sequence")),
    Panel("Parts that were replaced since they hung", "short", _now("part", "dragoman_hung_replaced_total")),
)

BOARDS: Final = (
    Board("gateway.json", "Dragoman / Gateway", _GATEWAY, _BY_POD),
    Board("services.json", "Dragoman / Services", _SERVICES, _BY_SERVICE),
    Board("control-plane.json", "Dragoman / Control plane", _CONTROL_PLANE, _BY_POD),
)


def shown(board: Board) -> dict[str, Any]:
    """As Grafana reads it: without an id, so that each installation gives its own."""
    name = board.file.removesuffix(".json")
    return {
        "uid": f"dragoman-{name}",
        "title": board.title,
        "tags": ["dragoman", "envoy"],
        "schemaVersion": _SCHEMA,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": list(_variables(board))},
        "panels": [_panel(number, each) for number, each in enumerate(board.panels)],
    }


def _variables(board: Board) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    for name, query in board.variables:
        yield {
            "name": name,
            "type": "query",
            "label": name.capitalize(),
            "datasource": _SOURCE,
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.text,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for index, (legend, expression) in enumerate(panel.queries)
        ],
    }
