{{/*
What was asked for and does not come, one line each. `values`: a map of the values; `keys`: that of files/keys.yaml;
`path`: where they are. Whoever says a key to have nothing (false, {}, enabled: false) misses nothing.
*/}}
{{- define "dragoman.warnings" -}}
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
{{- include "dragoman.warnings" (dict "values" $value "keys" $known "path" (printf "%s." $path)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What is done otherwise than somebody might think, one line each. */}}
{{- define "dragoman.advice" -}}
{{- range $key, $name := dict "image.fullImageOverride" (.Values.image).fullImageOverride "image.repository" (.Values.image).repository -}}
{{- if include "dragoman.isEmissarys" ($name | default "") }}
WARNING: {{ $key }} is {{ $name }}, which is not Dragoman: {{ include "dragoman.image" $ }} runs. Name Dragoman's image in your registry.
{{- end -}}
{{- end -}}
{{- $needed := add (include "dragoman.variable" (dict "root" . "name" "DRAGOMAN_DRAIN_MAX") | default "60" | float64 | ceil | int) 15 -}}
{{- $given := int .Values.terminationGracePeriodSeconds | default 75 -}}
{{- if lt $given (int $needed) }}
WARNING: terminationGracePeriodSeconds is {{ $given }}: a pod is killed before it has drained, which may take {{ $needed }} s (DRAGOMAN_DRAIN_MAX and 15).
{{- end -}}
{{- with .Values.terminationGracePeriodSeconds }}
{{- if not (int .) }}
WARNING: terminationGracePeriodSeconds is {{ . }}, which would kill pods at once: it is {{ $given }} here.
{{- end -}}
{{- end -}}
{{- if and (.Values.rbac).create (eq (include "dragoman.accountName" .) "default") }}
WARNING: the rights are those of the ServiceAccount default, and so of each pod of the namespace that names none: name one in serviceAccount.name.
{{- end -}}
{{- if and (.Values.scope).singleNamespace (.Values.rbac).create (.Values.rbac).secretNames }}
WARNING: of Secrets only {{ join ", " (.Values.rbac).secretNames }} may be read: name in rbac.secretNames what your Hosts name, or [] for all of the namespace.
{{- end -}}
{{- if and (.Values.scope).singleNamespace (.Values.gatewayAPI).enabled }}
WARNING: nothing comes of gatewayAPI.enabled: with scope.singleNamespace Gateway API is not served, since classes belong to the cluster.
{{- end -}}
{{- if and (.Values.gatewayAPI).dedicatedAddresses (not (.Values.gatewayAPI).enabled) }}
WARNING: nothing comes of gatewayAPI.dedicatedAddresses without gatewayAPI.enabled.
{{- end -}}
{{- if and (.Values.gatewayAPI).provisioned (not (and (.Values.gatewayAPI).enabled (.Values.gatewayAPI).dedicatedAddresses)) }}
WARNING: nothing comes of gatewayAPI.provisioned without gatewayAPI.enabled and gatewayAPI.dedicatedAddresses.
{{- end -}}
{{- if and ((.Values.metrics).serviceMonitor).enabled (not (.Values.adminService).create) }}
WARNING: nothing comes of metrics.serviceMonitor: without adminService.create there is no Service to ask. metrics.podMonitor needs none.
{{- end -}}
{{- if and (.Values.autoscaling).enabled .Values.daemonSet }}
WARNING: nothing comes of autoscaling: a DaemonSet has one pod on each node.
{{- end -}}
{{- end -}}
