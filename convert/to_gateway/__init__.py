"""Gateway API of Emissary's kinds: Gateways of Listeners and Hosts, HTTPRoutes and GRPCRoutes of Mappings, policies."""
