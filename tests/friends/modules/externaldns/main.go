// Command externaldns is external-dns, from its packages: some that its own command is linked with, for providers of DNS,
// cannot be had. Its flags, its sources and its plan are all here, and of the providers the one in memory, which logs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	log "github.com/sirupsen/logrus"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns/validation"
	"sigs.k8s.io/external-dns/plan"
	"sigs.k8s.io/external-dns/provider/inmemory"
	"sigs.k8s.io/external-dns/registry"
	"sigs.k8s.io/external-dns/registry/noop"
	"sigs.k8s.io/external-dns/source"
	"sigs.k8s.io/external-dns/source/annotations"
	"sigs.k8s.io/external-dns/source/wrappers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, arguments []string) error {
	config := externaldns.NewConfig()
	if err := config.ParseFlags(arguments); err != nil {
		return err
	}
	if err := validation.ValidateConfig(config); err != nil {
		return err
	}
	annotations.SetAnnotationPrefix(config.AnnotationPrefix)
	if config.EnableLegacyAnnotationPrefix {
		annotations.SetLegacyAnnotationPrefix(annotations.LegacyAnnotationPrefix)
	}
	level, err := log.ParseLevel(config.LogLevel)
	if err != nil {
		return err
	}
	log.SetLevel(level)

	wanted, err := source.NewSourceConfig(config)
	if err != nil {
		return err
	}
	names, err := wrappers.Build(ctx, wanted)
	if err != nil {
		return err
	}
	filter := endpoint.NewDomainFilter(config.DomainFilter)
	memory, err := inmemory.New(ctx, config, filter)
	if err != nil {
		return err
	}
	records, err := noop.New(config, memory)
	if err != nil {
		return err
	}
	for {
		if err := synchronize(ctx, config, names, records, filter); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(config.Interval):
		}
	}
}

// synchronize is one round, as in external-dns' own controller.
func synchronize(
	ctx context.Context, config *externaldns.Config, names source.Source, records registry.Registry, filter *endpoint.DomainFilter,
) error {
	current, err := records.Records(ctx)
	if err != nil {
		return err
	}
	found, err := names.Endpoints(ctx)
	if err != nil {
		return err
	}
	desired, err := records.AdjustEndpoints(found)
	if err != nil {
		return err
	}
	made := (&plan.Plan{
		Policies:       []plan.Policy{plan.Policies[config.Policy]},
		Current:        current,
		Desired:        desired,
		DomainFilter:   endpoint.MatchAllDomainFilters{filter, records.GetDomainFilter()},
		ManagedRecords: config.ManagedDNSRecordTypes,
		ExcludeRecords: config.ExcludeDNSRecordTypes,
		OwnerID:        records.OwnerID(),
	}).Calculate()
	if !made.Changes.HasChanges() {
		return nil
	}
	return records.ApplyChanges(ctx, made.Changes)
}
