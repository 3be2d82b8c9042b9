"""The page: what the diagnostics know, for people, in a browser.

    a path --serving--> a view of views.py: gather (asks Envoy, the translator) --> shown (pure) --> its template

Imported when the first of these paths is asked for: a gateway that nobody looks at has none of it in memory.
"""
