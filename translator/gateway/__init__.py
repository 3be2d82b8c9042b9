"""Gateway API (gateway.networking.k8s.io): its kinds, by rules of their own, fill the IR. See docs/gateway-api.md."""
