"""Why a request is served as it is: Envoy is asked, and what it says is found again among the objects."""
