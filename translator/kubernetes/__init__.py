"""The core kinds that every API refers to: Services, EndpointSlices and Secrets."""
