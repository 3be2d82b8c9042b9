#!/usr/bin/env bash
# To Envoy's rate limit service the key "source" with the value "cluster" is the key "source_cluster" with any value.
#
# A limit without a value holds for all values of its key. The service looks both up in one table, under the key, or under
# key, underscore and value. So a limit for each value of source_cluster, which is the name that Envoy's action of that
# name uses, is applied to a descriptor of another key as well, and a configuration that limits both is refused as if it
# said one thing twice. Nothing in its documentation keeps underscores from keys: Envoy's own have them.
#
# Seen with github.com/envoyproxy/ratelimit v1.4.1-0.20260122083618-3fb702589d36, its own loader and lookup: with a limit
# for source_cluster alone, {source: cluster} gets that limit, {source: other} none; with a limit for each of the two the
# error is "duplicate descriptor composite key 'example.source_cluster'".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
go mod init example.test/finding 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	common "github.com/envoyproxy/go-control-plane/envoy/extensions/common/ratelimit/v3"
	"github.com/envoyproxy/ratelimit/src/config"
	"github.com/envoyproxy/ratelimit/src/settings"
	"github.com/envoyproxy/ratelimit/src/stats"
	gostats "github.com/lyft/gostats"
)

const head = "domain: example\ndescriptors:\n"
const key = "- {key: source_cluster, rate_limit: {unit: minute, requests_per_unit: 5}}\n"
const value = "- {key: source, value: cluster, rate_limit: {unit: minute, requests_per_unit: 7}}\n"

// load gives a configuration, or what is wrong with it: the loader panics with that.
func load(text string) (loaded config.RateLimitConfig, wrong any) {
	defer func() { wrong = recover() }()
	manager := stats.NewStatManager(gostats.NewStore(gostats.NewNullSink(), false), settings.NewSettings())
	file := config.RateLimitConfigToLoad{Name: "file", ConfigYaml: config.ConfigFileContentToYaml("file", text)}
	return config.NewRateLimitConfigImpl([]config.RateLimitConfigToLoad{file}, manager, false), nil
}

// limit tells the limit of a descriptor with one entry.
func limit(loaded config.RateLimitConfig, key, value string) string {
	entry := &common.RateLimitDescriptor_Entry{Key: key, Value: value}
	descriptor := &common.RateLimitDescriptor{Entries: []*common.RateLimitDescriptor_Entry{entry}}
	found := loaded.GetLimit(context.Background(), "example", descriptor)
	if found == nil {
		return "none"
	}
	return fmt.Sprintf("%s %d/%s", found.FullKey, found.Limit.RequestsPerUnit, found.Limit.Unit)
}

func main() {
	failed := false
	expect := func(what string, seen any, expected string) {
		fmt.Printf("%s: %v\n", what, seen)
		failed = failed || fmt.Sprint(seen) != expected
	}
	loaded, wrong := load(head + key)
	expect("a limit for source_cluster is loaded, error", wrong, "<nil>")
	expect("limit of {source_cluster: web}", limit(loaded, "source_cluster", "web"), "example.source_cluster 5/MINUTE")
	expect("limit of {source: cluster}", limit(loaded, "source", "cluster"), "example.source_cluster 5/MINUTE")
	expect("limit of {source: other}", limit(loaded, "source", "other"), "none")
	_, wrong = load(head + value)
	expect("a limit for {source: cluster} is loaded, error", wrong, "<nil>")
	_, wrong = load(head + key + value)
	expect("both, error", wrong, "file: duplicate descriptor composite key 'example.source_cluster'")
	if failed {
		os.Exit(1)
	}
}
GO
go get github.com/envoyproxy/ratelimit@v1.4.1-0.20260122083618-3fb702589d36 2>/dev/null
go mod tidy 2>/dev/null
go run .
