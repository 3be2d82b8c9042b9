"""Tells how the gateway is: health, metrics, and what became of each object. Read-only; its death harms nobody.

the snapshot --following--> a view --+--> health    may traffic come, should the container be restarted
Envoy's admin socket ----------------+--> metrics   ours, then Envoy's own, streamed through
                                     +--> report    objects, problems, what Envoy accepted and refused
"""
