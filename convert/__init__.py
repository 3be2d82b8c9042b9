"""The same said by another API: `dragoman convert`.

Objects go in as the translator reads them (its kinds, its defaults, its rules of who is alike), and objects come out,
with a list of what could not be said: no field of an object is passed over, since what a conversion does not name as
said, it tells (`fields`). The rooms are pure: `to_gateway` makes Gateway API of Emissary's kinds, `to_emissary` the
other way, `from_ingress` either of Ingresses. Where comments go is in `comments`, how YAML is written in `writing`; two
Envoys are asked in `proving`.
"""
