"""`dragoman lint`: what is wrong with folders of YAML, before anybody applies them.

Nothing is decided here that the gateway decides: files are read by the watcher's reader (`reading`), objects are judged
by the translator's tables (`translator.judging`) and by the schemas that `crds` makes for the API server. Here problems
get a stable code (`problems`), a place in a file (`positions`), and advice beside them (`rules`); people may silence
them (`silences`), and they are written in one of several formats (`formats`).
"""
