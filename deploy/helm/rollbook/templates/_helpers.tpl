{{- define "rollbook.fullname" -}}
{{- if contains "rollbook" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-rollbook" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "rollbook.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Call with (dict "root" $ "component" "server"). */}}
{{- define "rollbook.selector" -}}
app.kubernetes.io/name: rollbook
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "rollbook.labels" -}}
{{ include "rollbook.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "rollbook.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "rollbook.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Settings, and where secrets are. Call with (dict "env" … "secrets" …). */}}
{{- define "rollbook.env" -}}
{{- range $name, $value := .env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $key := .secrets }}
- name: {{ $name }}_FILE
  value: /etc/rollbook/secrets/{{ $key }}
{{- end }}
{{- end }}

{{/* Call with (dict "root" $ "secrets" …). */}}
{{- define "rollbook.secretVolume" -}}
- name: secrets
  secret:
    secretName: {{ required "secret.name must be the name of a Secret" .root.Values.secret.name }}
    defaultMode: 0440
    items:
      {{- range $key := (values .secrets | uniq | sortAlpha) }}
      - { key: {{ $key | quote }}, path: {{ $key | quote }} }
      {{- end }}
{{- end }}
