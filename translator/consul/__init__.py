"""What Consul's catalog says of services: found by the watcher for those that somebody's routes lead to."""
