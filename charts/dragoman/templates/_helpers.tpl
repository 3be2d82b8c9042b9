{{/* What names end with; in the place of another chart's release, that chart's name. */}}
{{- define "dragoman.base" -}}
{{- .Values.nameOverride | default .Values.replaces | default .Chart.Name -}}
{{- end -}}

{{/* Whether names are as in Emissary's chart, for which a release that is called so says enough. */}}
{{- define "dragoman.saysEnough" -}}
{{- if and (eq (.Values.replaces | default "") "emissary-ingress") (regexMatch "emissary|ambassador" .Release.Name) -}}yes{{- end -}}
{{- end -}}

{{/* The label app.kubernetes.io/name. */}}
{{- define "dragoman.name" -}}
{{- $release := include "dragoman.saysEnough" . | empty | not -}}
{{- $release | ternary .Release.Name (include "dragoman.base" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of what is made: the release's, with the chart's behind it unless it holds it. */}}
{{- define "dragoman.fullname" -}}
{{- $name := include "dragoman.base" . -}}
{{- $holds := or (contains $name .Release.Name) (include "dragoman.saysEnough" . | empty | not) -}}
{{- $full := $holds | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "dragoman.deploymentName" -}}
{{- default (include "dragoman.fullname" .) .Values.deploymentNameOverride -}}
{{- end -}}

{{- define "dragoman.serviceName" -}}
{{- default (include "dragoman.fullname" . | replace "." "-") (.Values.service).nameOverride -}}
{{- end -}}

{{- define "dragoman.adminName" -}}
{{- include "dragoman.fullname" . | replace "." "-" | trunc 57 | trimSuffix "-" }}-admin
{{- end -}}

{{/* Where the pods are. */}}
{{- define "dragoman.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* The namespace that counts as the gateway's own: leases are there, and with singleNamespace all objects. */}}
{{- define "dragoman.ownNamespace" -}}
{{- $said := include "dragoman.variable" (dict "root" . "name" "AMBASSADOR_NAMESPACE") -}}
{{- regexMatch "^[a-z0-9-]+$" $said | ternary $said (include "dragoman.namespace" .) -}}
{{- end -}}

{{- define "dragoman.accountName" -}}
{{- default (not (empty (.Values.serviceAccount).create) | ternary (include "dragoman.fullname" .) "default") (.Values.serviceAccount).name -}}
{{- end -}}

{{/*
The name of roles and bindings. In place of Emissary's chart it is another than there: a binding's role cannot be changed,
and the rules of an aggregated ClusterRole are its controller's.
*/}}
{{- define "dragoman.rbacName" -}}
{{- $full := include "dragoman.fullname" . -}}
{{- default (contains .Chart.Name $full | ternary $full (printf "%s-%s" $full .Chart.Name)) (.Values.rbac).nameOverride -}}
{{- end -}}

{{/* What selects the pods. It never changes for a Deployment: no version is in it. */}}
{{- define "dragoman.selector" -}}
{{- if (.Values.service).selector -}}
{{- toYaml (.Values.service).selector -}}
{{- else -}}
app.kubernetes.io/name: {{ include "dragoman.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}
{{- end -}}

{{- define "dragoman.labels" -}}
app.kubernetes.io/name: {{ include "dragoman.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/part-of: dragoman
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The labels with those that somebody says: each once, and what is said counts. */}}
{{- define "dragoman.labelsWith" -}}
{{- $labels := include "dragoman.labels" .root | fromYaml -}}
{{- range .more -}}{{- $labels = mergeOverwrite $labels (. | default dict) -}}{{- end -}}
{{- toYaml $labels -}}
{{- end -}}

{{/* A value as the text that it was written as: a number is a float for Helm, whose own text of 2000000 is 2e+06. */}}
{{- define "dragoman.text" -}}
{{- if kindIs "string" . -}}{{- . -}}{{- else if not (kindIs "invalid" .) -}}{{- toJson . -}}{{- end -}}
{{- end -}}

{{/* Whether a name is that of an image of Emissary or Edge Stack, which is not what this chart runs. */}}
{{- define "dragoman.isEmissarys" -}}
{{- if regexMatch "(^|/)(emissary|ambassador|aes|edge-stack)(-ea)?([:@].*)?$" . -}}yes{{- end -}}
{{- end -}}

{{- define "dragoman.image" -}}
{{- $full := (.Values.image).fullImageOverride | default "" -}}
{{- $repository := (.Values.image).repository | default "dragoman" -}}
{{- if and $full (not (include "dragoman.isEmissarys" $full)) -}}
{{- $full -}}
{{- else if include "dragoman.isEmissarys" $repository -}}
dragoman
{{- else if (.Values.image).tag -}}
{{- printf "%s:%s" $repository (include "dragoman.text" (.Values.image).tag) -}}
{{- else -}}
{{- $repository -}}
{{- end -}}
{{- end -}}

{{/* The objects that the chart makes are for this installation alone where it has an id. */}}
{{- define "dragoman.ambassadorId" -}}
{{- with include "dragoman.variable" (dict "root" . "name" "AMBASSADOR_ID") -}}
ambassador_id: [{{ . | quote }}]
{{- end -}}
{{- end -}}

{{/* The text of a variable, however it is said; of one that is not, or is the pod's to know, none. */}}
{{- define "dragoman.variable" -}}
{{- range (include "dragoman.env" .root | fromYaml).env -}}{{- if eq .name $.name -}}{{- include "dragoman.text" .value -}}{{- end -}}{{- end -}}
{{- end -}}

{{/*
The variables in env and envRaw, as a list under `env`, with the chart's own where they are not said. The last word on one
counts.
*/}}
{{- define "dragoman.env" -}}
{{- $all := list -}}
{{- range $name, $value := .Values.env -}}
{{- $all = append $all (dict "name" (upper $name) "value" (include "dragoman.text" $value)) -}}
{{- end -}}
{{- if kindIs "string" .Values.envRaw -}}
{{- $all = concat $all (tpl .Values.envRaw . | fromYamlArray) -}}
{{- end -}}
{{- $said := dict -}}
{{- $each := list -}}
{{- range reverse $all -}}
{{- if not (kindIs "map" . | ternary . dict).name -}}{{- fail "envRaw must be a list of variables, {name: ..., value: ...}, as YAML in a text" -}}{{- end -}}
{{- if not (hasKey $said .name) -}}{{- $_ := set $said .name true -}}{{- $each = prepend $each . -}}{{- end -}}
{{- end -}}
{{- $own := list
  (dict "name" "DRAGOMAN_CONFIG_DIR" "value" "")
  (dict "name" "DRAGOMAN_RUN_DIR" "value" "/run/dragoman")
  (dict "name" "AMBASSADOR_SINGLE_NAMESPACE" "value" (not (empty (.Values.scope).singleNamespace) | ternary "true" ""))
  (dict "name" "AMBASSADOR_NAMESPACE" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.namespace")))
  (dict "name" "POD_NAME" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.name")))
  (dict "name" "ENVOY_CONCURRENCY" "value" "2")
-}}
{{- with (.Values.namespace).name -}}
{{- $own = append (without $own (index $own 3)) (dict "name" "AMBASSADOR_NAMESPACE" "value" .) -}}
{{- end -}}
{{- if (.Values.knative).enabled -}}
{{- $own = append $own (dict "name" "AMBASSADOR_KNATIVE_SUPPORT" "value" "true") -}}
{{- end -}}
{{- $kept := list -}}
{{- range $own -}}{{- if not (hasKey $said .name) -}}{{- $kept = append $kept . -}}{{- end -}}{{- end -}}
{{- toYaml (dict "env" (concat $kept $each)) -}}
{{- end -}}

{{/* The port at which the pods tell of themselves. */}}
{{- define "dragoman.adminPort" -}}
{{- include "dragoman.variable" (dict "root" . "name" "AMBASSADOR_HEALTHCHECK_BIND_PORT") | default "8877" -}}
{{- end -}}

{{/* The Service's ports, those in portsRaw too, as a list under `ports`. Numbers in quotes are numbers, as in Emissary's. */}}
{{- define "dragoman.ports" -}}
{{- $ports := concat ((.Values.service).ports | default list) (tpl ((.Values.service).portsRaw | default "") . | fromYamlArray) -}}
{{- range $port := $ports -}}
{{- range $key := list "port" "targetPort" "nodePort" "hostPort" -}}
{{- if regexMatch "^[0-9]+$" (get $port $key | toString) -}}{{- $_ := set $port $key (get $port $key | int) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml (dict "ports" $ports) -}}
{{- end -}}

{{/* The ports of the pods but the admin's, each once, as a list under `ports`; a Service's may have names that are too long. */}}
{{- define "dragoman.containerPorts" -}}
{{- $seen := dict (include "dragoman.adminPort" . | printf "%s/TCP") true -}}
{{- $ports := list -}}
{{- range (include "dragoman.ports" . | fromYaml).ports -}}
{{- $number := int (default .port .targetPort) -}}
{{- $key := printf "%d/%s" $number (default "TCP" .protocol) -}}
{{- if and $number (not (hasKey $seen $key)) -}}
{{- $_ := set $seen $key true -}}
{{- $port := dict "containerPort" $number -}}
{{- $name := .name | default "" -}}
{{- if and $name (ne $name "admin") (le (len $name) 15) -}}{{- $_ := set $port "name" $name -}}{{- end -}}
{{- with .protocol -}}{{- $_ := set $port "protocol" . -}}{{- end -}}
{{- with .hostPort -}}{{- $_ := set $port "hostPort" (int .) -}}{{- end -}}
{{- $ports = append $ports $port -}}
{{- end -}}
{{- end -}}
{{- toYaml (dict "ports" $ports) -}}
{{- end -}}

{{/* A probe: what is asked, and when. */}}
{{- define "dragoman.probe" -}}
{{- $asked := dict "httpGet" (dict "path" .path "port" "admin") -}}
{{- toYaml (merge (deepCopy .values) $asked) -}}
{{- end -}}
