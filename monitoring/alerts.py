"""What to wake somebody for, and what to tell a team."""

from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule, told when it holds as long as it `lasts`; `summary` and `mend` are templates of Prometheus."""

    name: str
    expression: str
    lasts: str
    severity: Literal["critical", "warning", "info"]
    summary: str
    mend: str

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasts,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "description": self.mend},
        }


ALERTS: Final = (
    Alert(
        "DragomanEnvoyDown",
        "dragoman_envoy_up == 0",
        "2m",
        "critical",
        "Envoy does not answer in {{ $labels.pod }}",
        "The pod serves no requests. Its log says why Envoy ends, or what hangs.",
    ),
    Alert(
        "DragomanEnvoyDisconnected",
        "dragoman_envoy_connected == 0",
        "2m",
        "critical",
        "Envoy gets no changes in {{ $labels.pod }}",
        "Requests are served as before. The log of the ADS server says what is wrong.",
    ),
    Alert(
        "DragomanResourcesRefused",
        "dragoman_refused_resources > 0",
        "2m",
        "warning",
        "Envoy refuses {{ $value }} resources in {{ $labels.pod }}",
        "The last version that it accepted is served. `dragoman status` has Envoy's words; so has the object's status.",
    ),
    Alert(
        "DragomanObjectStopped",
        'max by (kind, object_namespace, object_name) (dragoman_object_problems{stops="true"}) > 0',
        "5m",
        "warning",
        "{{ $labels.kind }} {{ $labels.object_name }} in {{ $labels.object_namespace }} is not in force",
        "`dragoman status` and the object's status say which field is wrong, and why.",
    ),
    Alert(
        "DragomanBehind",
        "dragoman_pending_objects > 0",
        "3m",
        "warning",
        "The translator does not keep up in {{ $labels.pod }}",
        "Changes are served late, or not at all: look at the CPU of the pod and at the log of the translator.",
    ),
    Alert(
        "DragomanChangesSlow",
        "histogram_quantile(0.95, sum by (le) (rate(dragoman_change_seconds_bucket[15m]))) > 5",
        "15m",
        "warning",
        "One change in twenty takes longer than 5 s until it is served",
        "Most often the pod has too little CPU, or clusters do not get warm: endpoints or names that do not answer.",
    ),
    Alert(
        "DragomanPartHangs",
        "increase(dragoman_hung_replaced_total[15m]) > 2.5",
        "0m",
        "warning",
        "{{ $labels.part }} hangs again and again in {{ $labels.pod }}",
        "It was replaced each time, and traffic flows. Its log says where it was; too little CPU looks like this, too.",
    ),
    Alert(
        "DragomanCertificateEnds",
        "min by (envoy_secret) (envoy_listener_ssl_certificate_expiration_unix_time_seconds) - time() < 7 * 86400",
        "1h",
        "warning",
        "The certificate in {{ $labels.envoy_secret }} ends in {{ $value | humanizeDuration }}",
        "Renew the Secret; it is used as soon as it is there.",
    ),
    Alert(
        "DragomanManyErrors",
        'sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_xx{envoy_response_code_class="5"}[5m]))'
        " / (sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_total[5m])) > 1) > 0.05",
        "5m",
        "warning",
        "{{ $value | humanizePercentage }} of the requests to {{ $labels.envoy_cluster_name }} fail",
        "The service answers 5xx, or does not answer. The access log has the response flags.",
    ),
    Alert(
        "DragomanNoHealthyEndpoint",
        "envoy_cluster_membership_healthy == 0 and envoy_cluster_membership_total > 0",
        "5m",
        "warning",
        "No endpoint of {{ $labels.envoy_cluster_name }} is healthy",
        "Health checks or outlier detection took all of them out.",
    ),
)


def rules() -> dict[str, Any]:
    """A file of rules, as Prometheus and a PrometheusRule have it."""
    return {"groups": [{"name": "dragoman", "rules": [each.rule() for each in ALERTS]}]}
