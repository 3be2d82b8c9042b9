{{/* The image of the pods that convert. Emissary's own converts into nothing that is served here. */}}
{{- define "dragoman-crds.image" -}}
{{- $repository := (.Values.image).repository | default "dragoman" -}}
{{- if (.Values.image).tag -}}
{{- printf "%s:%s" $repository (kindIs "string" (.Values.image).tag | ternary (.Values.image).tag (toJson (.Values.image).tag)) -}}
{{- else -}}
{{- $repository -}}
{{- end -}}
{{- end -}}
