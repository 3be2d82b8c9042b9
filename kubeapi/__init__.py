"""The Kubernetes API server: where it is, who we are there, a request and its answer, a stream of lines.

Configuration, authentication and connection are the official client's; its models and its watch are not used, since
they cost an object's memory several times over, and one value outside of the schema ends them.
"""
