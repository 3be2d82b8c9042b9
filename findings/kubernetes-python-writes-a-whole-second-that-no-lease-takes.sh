#!/usr/bin/env bash
# Kubernetes' client for Python writes a time that ends on a whole second in a form that a Lease or an Event does not take.
#
# The renewTime and acquireTime of a Lease, and the eventTime of an Event, are MicroTimes. Python's isoformat(), by which
# the client says a datetime, leaves the fraction out where it is zero; Go's MicroTime wants six digits, always. So a
# program that cuts its times to seconds never gets one of these objects stored, and one that takes them as they are is
# refused once in a million. Plain Times, as in conditions, are taken in both forms.
#
# Seen with kubernetes 37.0.2 (PyPI) and k8s.io/api v0.37.1: "2026-01-02T03:04:05+00:00" is an error, and with one
# microsecond more it is read. kube-apiserver 1.36 itself answers 400 to the former.
#
# That MicroTime wants six digits is known to its makers: kubernetes/kubernetes, pull request 141204.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'kubernetes==37.0.2'
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
)

func said(err error) string {
	if err != nil {
		return err.Error()
	}
	return "read"
}

func main() {
	read := json.NewDecoder(os.Stdin)
	for range 2 {
		var lease, condition json.RawMessage
		if read.Decode(&lease) != nil || read.Decode(&condition) != nil {
			panic("no object")
		}
		fmt.Println("Lease:", said(json.Unmarshal(lease, &coordination.Lease{})))
		fmt.Println("PodCondition:", said(json.Unmarshal(condition, &core.PodCondition{})))
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=k8s.io/api@v0.37.1
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

venv/bin/python - >objects <<'PYTHON'
import datetime
import json

from kubernetes import client

for microsecond in (1, 0):
    time = datetime.datetime(2026, 1, 2, 3, 4, 5, microsecond, tzinfo=datetime.timezone.utc)
    lease = client.V1Lease(spec=client.V1LeaseSpec(holder_identity="one", renew_time=time))
    condition = client.V1PodCondition(type="Ready", status="True", last_transition_time=time)
    for each in (lease, condition):
        print(json.dumps(client.ApiClient().sanitize_for_serialization(each)))
PYTHON
cat objects
./seen <objects | tee output
diff output - <<'TEXT'
Lease: read
PodCondition: read
Lease: parsing time "2026-01-02T03:04:05+00:00" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "+00:00" as ".000000"
PodCondition: read
TEXT
