#!/usr/bin/env bash
# In a custom resource "1.5 days" is a valid duration, and five days long; "-1 day" is a day.
#
# A schema's `format: duration` takes what Go's time.ParseDuration takes, and, so says the documentation of the field, what
# Scala's Duration does: there 1.5 days are 36 hours. What Go does not take is searched for whole numbers with a unit behind
# them, and the sign and the point are passed over: of "1.5 days" that finds 5 days. A rule in CEL, under
# x-kubernetes-validations, gets this value, so that one for "at most two days" refuses a day and a half. With a unit of
# Go's own the point counts: 1.5h is an hour and a half. A controller in Go can read none of those with days, which the API
# server stores for it: metav1.Duration is time.ParseDuration alone.
#
# Seen with k8s.io/apiextensions-apiserver v0.37.1: the table below. kube-apiserver 1.36 itself stores "1.5 days" and
# "-1 day" where no rule is, and refuses "1.5 days" where that rule is.
#
# Known to its makers: kubernetes/kube-openapi, issue 523.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	limits "k8s.io/apiserver/pkg/apis/cel"
)

// The second rule never holds: its message tells what a rule sees.
const document = `{"type": "string", "format": "duration", "maxLength": 40, "x-kubernetes-validations": [
  {"rule": "self <= duration('48h')"}, {"rule": "false", "messageExpression": "string(self)"}]}`

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	var external v1.JSONSchemaProps
	must(json.Unmarshal([]byte(document), &external))
	var internal apiextensions.JSONSchemaProps
	must(v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&external, &internal, nil))
	structural, err := schema.NewStructural(&internal)
	must(err)
	valid, _, err := validation.NewSchemaValidator(&internal)
	must(err)
	rules := cel.NewValidator(structural, true, limits.PerCallLimit)
	for _, text := range []string{"1.5h", "-1h", "36 hours", "1.5 days", "-1 day"} {
		var byGo metav1.Duration
		readable := json.Unmarshal([]byte(`"`+text+`"`), &byGo) == nil
		isValid := len(validation.ValidateCustomResource(field.NewPath("it"), text, valid)) == 0
		failed, _ := rules.Validate(context.Background(), field.NewPath("it"), structural, text, nil, limits.RuntimeCELCostBudget)
		last := failed[len(failed)-1]
		fmt.Printf("%s: valid %t, %s, at most two days %t, read by metav1.Duration %t\n",
			text, isValid, last.Detail, len(failed) == 1, readable)
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=k8s.io/apiextensions-apiserver@v0.37.1
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

./seen | tee output
diff output - <<'TEXT'
1.5h: valid true, 5400s, at most two days true, read by metav1.Duration true
-1h: valid true, -3600s, at most two days true, read by metav1.Duration true
36 hours: valid true, 129600s, at most two days true, read by metav1.Duration false
1.5 days: valid true, 432000s, at most two days false, read by metav1.Duration false
-1 day: valid true, 86400s, at most two days true, read by metav1.Duration false
TEXT
