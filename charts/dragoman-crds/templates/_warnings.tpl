{{/*
What was asked for and does not come, one line each. `values`: a map of the values; `keys`: that of files/keys.yaml;
`path`: where they are. Whoever says a key to have nothing (false, {}, enabled: false) misses nothing.
*/}}
{{- define "dragoman-crds.warnings" -}}
{{- range $key, $value := .values -}}
{{- $path := printf "%s%s" $.path $key -}}
{{- if eq $path "global" -}}
{{- else if not (hasKey $.keys $key) }}
WARNING: {{ $path }} is not known, and nothing comes of it: docs/helm.md has the list.
{{- else -}}
{{- $known := get $.keys $key -}}
{{- if kindIs "string" $known -}}
{{- $off := and (kindIs "map" $value) (or (eq (dig "enabled" true ($value | default dict)) false) (eq (dig "create" true ($value | default dict)) false)) -}}
{{- if and $value (not $off) }}
WARNING: nothing comes of {{ $path }}: {{ $known }}.
{{- end -}}
{{- else if and $known (kindIs "map" $value) -}}
{{- include "dragoman-crds.warnings" (dict "values" $value "keys" $known "path" (printf "%s." $path)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
