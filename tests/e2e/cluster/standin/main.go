// Command standin is what the test cluster's images are made of: one static program in two roles.
//
//	standin                 waits, and holds a pod's namespaces (what Kubernetes calls the pause container)
//	standin serve NAME      an upstream: answers each HTTP request on :8080 with NAME, its host's name and the request
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// lingers is how long an upstream goes on serving after SIGTERM: others must learn of its end first.
const lingers = 5 * time.Second

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	pause()
}

// pause is the first process of its pid namespace: it must ask for the signals that end it, and bury orphans.
func pause() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}

func serve(name string) {
	host, _ := os.Hostname()
	server := &http.Server{Addr: ":8080", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"upstream": name, "pod": host, "method": r.Method, "path": r.URL.RequestURI(), "host": r.Host, "headers": r.Header,
		})
	})}
	asked, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	fmt.Println(name, "serves")
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			panic(err)
		}
	}()
	<-asked.Done()
	time.Sleep(lingers)
	server.Shutdown(context.Background()) // returns when open requests have ended
}
