// Command bench measures what the gateway costs beside plain Caddy: CPU time of
// the Caddy process per request, as a ratio, in interleaved rounds. It prints a
// table and asserts nothing.
package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-signin/caddy-signin"
)

const (
	rounds   = 12
	requests = 4000 // of one kind in one round
	workers  = 8
)

// childMark makes this program the Caddy under test, in a process of its own.
const childMark = "SIGNIN_BENCH_CADDY"

func main() {
	if config := os.Getenv(childMark); config != "" {
		os.Args = []string{"caddy", "run", "--config", config, "--adapter", "caddyfile"}
		caddycmd.Main()
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// kind is one sort of request.
type kind struct {
	name, path string
	signedIn   bool
	status     int
	target     string
}

var kinds = []kind{
	{"plain reverse_proxy", "/plain", true, 200, ""},
	{"plain respond 401", "/respond", false, 401, ""}, // what Caddy alone takes to say no
	{"guarded, signed in", "/app", true, 200, "<= 1.03"},
	{"guarded, anonymous", "/app", false, 401, "<= 0.30"},
	{"GET session", "/api/auth/session", true, 200, "<= 45 µs"},
}

func run() error {
	rig, err := newRig()
	if err != nil {
		return err
	}
	defer rig.stop()
	cost := make([][]time.Duration, len(kinds))
	for round := range rounds + 1 {
		for i, k := range kinds {
			spent, err := rig.measure(k)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			if round > 0 { // the first one warms up
				cost[i] = append(cost[i], spent)
			}
		}
	}
	fmt.Printf("%-22s %12s %8s %16s  %s\n", "CPU time per request", "median", "ratio", "ratios", "target")
	for i, k := range kinds {
		ratios := make([]float64, rounds)
		for round := range ratios {
			ratios[round] = float64(cost[i][round]) / float64(cost[0][round])
		}
		slices.Sort(ratios)
		slices.Sort(cost[i])
		fmt.Printf("%-22s %12v %8.3f %7.3f to %.3f  %s\n", k.name, cost[i][rounds/2].Round(100*time.Nanosecond),
			ratios[rounds/2], ratios[0], ratios[rounds-1], k.target)
	}
	return nil
}
