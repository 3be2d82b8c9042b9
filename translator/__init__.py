"""From Kubernetes objects to Envoy resources: pure rules over incremental tables."""
