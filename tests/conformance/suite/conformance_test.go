// Package conformance_test is Gateway API's own suite as it is: its flags say what is run, and where the report goes.
package conformance_test

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
