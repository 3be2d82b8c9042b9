"""Knative's Ingress (networking.internal.knative.dev/v1alpha1): each becomes Mappings, which Emissary's rules serve."""
