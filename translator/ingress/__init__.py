"""Ingress (networking.k8s.io/v1) as Emissary has it: each becomes Mappings and Hosts, which its rules serve."""
