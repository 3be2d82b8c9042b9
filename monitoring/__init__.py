"""Prometheus' alerts and Grafana's boards, of our metrics and Envoy's; `python -m monitoring` writes them. In no pod.

Made here rather than kept as JSON, so that a test can hold each metric that they ask for against what a gateway tells.
"""
