package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/panics"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// The levels of a finding. A warning is no failure: signing in works.
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

// checkReport is what caddy signin check prints.
type checkReport struct {
	Realms []realmReport `json:"realms"`
	// Failed is how many findings are failures.
	Failed int `json:"failed"`
}

type realmReport struct {
	Realm     string           `json:"realm"`
	Addresses []string         `json:"addresses"`
	Findings  []checkFinding   `json:"findings"`
	Providers []providerReport `json:"providers"`
}

type providerReport struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	// RedirectURIs are to be registered at the provider, each of them.
	RedirectURIs []string       `json:"redirect_uris,omitempty"`
	Findings     []checkFinding `json:"findings"`
}

type checkFinding struct {
	Level   string `json:"level"`
	What    string `json:"what"`
	Problem string `json:"problem,omitempty"`
}

const (
	// checkTimeout bounds one provider, or store, checksAtOnce how many are asked
	// at a time.
	checkTimeout = 20 * time.Second
	checksAtOnce = 8
)

// probeRealms asks what the realms depend on. The report's order is that of the
// configuration, whoever answers first.
func probeRealms(ctx context.Context, realms []*checkedRealm) checkReport {
	report := checkReport{Realms: make([]realmReport, len(realms))}
	turns := make(chan struct{}, checksAtOnce)
	var all sync.WaitGroup
	probe := func(into *[]checkFinding, ask func(context.Context) []providers.Finding) {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			var found []providers.Finding
			err := panics.Catch(func() error { // a provider or a store may be anybody's module
				found = ask(ctx)
				return nil
			})
			if err != nil {
				found = append(found, providers.Finding{What: "the check itself", Err: err})
			}
			*into = append(*into, findings(found)...)
		})
	}
	for i, one := range realms {
		report.Realms[i] = one.report()
		probe(&report.Realms[i].Findings, one.probeStore)
		for j, provider := range one.realm.active.Providers {
			if prober, ok := provider.(providers.Prober); ok {
				probe(&report.Realms[i].Providers[j].Findings, prober.Probe)
			}
		}
	}
	all.Wait()
	report.Failed = report.count(levelFail)
	return report
}

// report is what is known of a realm without asking anyone.
func (c *checkedRealm) report() realmReport {
	report := realmReport{
		Realm: c.name, Addresses: append([]string{}, c.origins...),
		Findings: []checkFinding{}, Providers: make([]providerReport, len(c.realm.active.Providers)),
	}
	for _, unknown := range c.unknown {
		report.Findings = append(report.Findings, checkFinding{
			levelWarn, "public address",
			unknown + ": redirect URIs depend on the address asked; set url in the signin block to have one",
		})
	}
	for i, provider := range c.realm.active.Providers {
		info := provider.Info()
		one := providerReport{ID: info.ID, Name: info.Name, Type: string(info.Type), Findings: []checkFinding{}}
		if _, ok := provider.(providers.Redirector); ok {
			for _, origin := range c.origins {
				one.RedirectURIs = append(one.RedirectURIs, origin+c.realm.active.BasePath+"/callback/"+info.ID)
			}
		}
		if info.Public && c.open {
			one.Findings = append(one.Findings, checkFinding{levelWarn, "who may come in", whoCanSignIn})
		}
		report.Providers[i] = one
	}
	return report
}

func (c *checkedRealm) probeStore(ctx context.Context) []providers.Finding {
	return []providers.Finding{{What: "store", Err: sessionstore.Ping(ctx, c.realm.active.Store)}}
}

func findings(probed []providers.Finding) []checkFinding {
	found := make([]checkFinding, 0, len(probed))
	for _, one := range probed {
		finding := checkFinding{Level: levelOK, What: one.What}
		if one.Err != nil {
			finding.Level, finding.Problem = levelFail, one.Err.Error()
			if errors.Is(one.Err, context.DeadlineExceeded) {
				finding.Problem = fmt.Sprintf("no answer in time: %s", finding.Problem)
			}
		}
		found = append(found, finding)
	}
	return found
}

func (r *checkReport) count(level string) (n int) {
	count := func(findings []checkFinding) {
		for _, finding := range findings {
			if finding.Level == level {
				n++
			}
		}
	}
	for _, realm := range r.Realms {
		count(realm.Findings)
		for _, provider := range realm.Providers {
			count(provider.Findings)
		}
	}
	return n
}

// print writes the report for people: a line for each finding, and for each
// redirect URI. What came from outside is printed without what a terminal obeys.
func (r *checkReport) print(to io.Writer) error {
	var text strings.Builder
	line := func(indent string, words ...string) {
		text.WriteString(indent + response.Printable(strings.Join(words, " ")) + "\n")
	}
	printFindings := func(indent string, findings []checkFinding) {
		for _, finding := range findings {
			mark := fmt.Sprintf("%-4s", strings.ToUpper(finding.Level))
			if finding.Level == levelOK {
				mark = "ok  "
			}
			words := []string{mark, finding.What}
			if finding.Problem != "" {
				words = []string{mark, finding.What + ":", finding.Problem}
			}
			line(indent, words...)
		}
	}
	for _, realm := range r.Realms {
		line("", "realm", realm.Realm)
		printFindings("  ", realm.Findings)
		for _, provider := range realm.Providers {
			line("  ", "provider", provider.ID, "("+provider.Name+")")
			for _, uri := range provider.RedirectURIs {
				line("    ", "redirect URI to register:", uri)
			}
			printFindings("    ", provider.Findings)
		}
	}
	if _, err := io.WriteString(to, text.String()); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	return nil
}
