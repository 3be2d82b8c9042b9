"""Emissary's kinds of Gateway API: Listeners and Hosts of Gateways, Mappings of HTTPRoutes and GRPCRoutes."""
