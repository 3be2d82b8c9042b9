"""Gateway API of Ingresses by Kubernetes' rules, with what annotations of ingress-nginx make of them.

What an annotation makes is asked of the translator (`translator.ingress.nginx`): a field of its treatment is said here,
or told. What keeps people out and cannot be said keeps its Ingress from being converted.
"""
