"""A trace of each change, from when the watcher heard of it until Envoy had answered; sent where somebody asks for it.

    logs of the snapshot --assembling--> changes --spans--> traces --otlp--> JSON --sending--> a collector

Nothing is measured for it: the parts say in log entries, which they write anyway, when they began. So it costs them
the same whether somebody traces or not, and `dragoman trace` can tell of what nobody knew that it would matter.
"""
