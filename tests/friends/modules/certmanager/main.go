// Command certmanager is cert-manager, from its library: the commands around that are modules which no proxy serves.
//
//	certmanager controller KUBECONFIG NAMESERVER      gets certificates by ACME; asks this server for names
//	certmanager solve PORT DOMAIN TOKEN KEY           answers a challenge, as in cert-manager's pod
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	"github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	gateways "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	ingresses "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme" // a type of issuers, known by being linked
	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
)

const workers = 5

var controllers = []string{
	acmechallenges.ControllerName,
	acmeorders.ControllerName,
	gateways.ControllerName,
	ingresses.ControllerName,
	acme.CRControllerName,
	approver.ControllerName,
	issuing.ControllerName,
	keymanager.ControllerName,
	readiness.ControllerName,
	requestmanager.ControllerName,
	revisionmanager.ControllerName,
	trigger.ControllerName,
	clusterissuers.ControllerName,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 3 && arguments[0] == "controller":
		return control(arguments[1], arguments[2])
	case len(arguments) == 5 && arguments[0] == "solve":
		return solve(arguments[1], arguments[2], arguments[3], arguments[4])
	}
	return fmt.Errorf("usage: certmanager controller KUBECONFIG NAMESERVER | solve PORT DOMAIN TOKEN KEY")
}

// solve is what the pod of a challenge does.
func solve(port, domain, token, key string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	answering := solver.HTTP01Solver{ListenPort: number, Domain: domain, Token: token, Key: key}
	return answering.Listen(klog.Background())
}

func control(kubeconfig, nameserver string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	factory, err := controller.NewContextFactory(ctx, options(kubeconfig, nameserver))
	if err != nil {
		return err
	}
	running := make(chan error, len(controllers))
	made := map[string]controller.Interface{}
	for _, name := range controllers {
		if made[name], err = controller.Known()[name](factory); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	// After all of them: each asks for what it reads while it is made.
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	shared.GWShared.Start(ctx.Done())
	for name, each := range made {
		go func() {
			if err := each.Run(workers, ctx); err != nil {
				running <- fmt.Errorf("%s: %w", name, err)
			} else {
				running <- nil
			}
		}()
	}
	for range controllers {
		if err := <-running; err != nil {
			return err
		}
	}
	return nil
}

// options are the defaults of cert-manager's own command, except for where names are asked for and Gateway API, which is
// switched on.
func options(kubeconfig, nameserver string) controller.ContextOptions {
	return controller.ContextOptions{
		Kubeconfig:         kubeconfig,
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: "kube-system"},
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverImage:                 "solver",
			HTTP01SolverResourceRequestCPU:    resource.MustParse("10m"),
			HTTP01SolverResourceRequestMemory: resource.MustParse("64Mi"),
			HTTP01SolverResourceLimitsCPU:     resource.MustParse("100m"),
			HTTP01SolverResourceLimitsMemory:  resource.MustParse("64Mi"),
			ACMEHTTP01SolverRunAsNonRoot:      true,
			HTTP01SolverNameservers:           []string{nameserver},
			DNS01CheckRetryPeriod:             10 * time.Second,
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerKind:                 "Issuer",
			DefaultIssuerGroup:                "cert-manager.io",
			DefaultAutoCertificateAnnotations: []string{"kubernetes.io/tls-acme"},
			GatewayAPIExtraProtocols:          sets.New[string](),
		},
		CertificateOptions: controller.CertificateOptions{
			CopiedAnnotationPrefixes:                 []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"},
			CertificateRequestMinimumBackoffDuration: time.Hour,
			CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: 60},
		ConfigOptions:    controller.ConfigOptions{EnableGatewayAPI: true},
	}
}
