"""The `dragoman` command: the gateway on a folder, and questions about it, without a cluster."""
