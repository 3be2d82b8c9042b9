"""From the IR to Envoy's resources: the only rooms of the translator in which Envoy's words are spoken."""
