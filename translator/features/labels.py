"""Names in Envoy's statistics, so that each is the value of a label.

Envoy puts all names of a statistic together with dots, and takes the first word for the label: of
`cluster.10.0.0.1.upstream_rq_total` it makes `envoy_cluster_0_0_1_upstream_rq_total{envoy_cluster_name="10"}`, a family
of metrics for each address.
"""


def label(name: str) -> str:
    """The name without dots."""
    return name.replace(".", "_")
