package signin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/flow"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/providers"
)

// check refuses a realm that can't be meant, as far as that shows before its
// placeholders are filled in. Provisioning begins with it, and the Caddyfile ends
// a realm's block with it, where the message gets file and line. ids are those of
// the providers that are written.
func (rl *Realm) check(ids []string, written []json.RawMessage) error {
	for _, check := range []func() error{
		rl.checkWords, rl.checkAddress, rl.checkPages, rl.Session.check, rl.checkHeaders,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := checkIDs(ids); err != nil {
		return err
	}
	return checkRules(rl.Allow, rl.Deny, tellsOf(ids, written))
}

// checkWords refuses options that have a word which is none of theirs.
func (rl *Realm) checkWords() error {
	if _, ok := flow.Dialects[rl.Dialect]; !ok && rl.Dialect != "" {
		return fmt.Errorf("dialect %q is not known: write %s", rl.Dialect,
			strings.Join(slices.Sorted(maps.Keys(flow.Dialects)), " or "))
	}
	if rl.UpstreamCookies != "" && rl.UpstreamCookies != "strip" && rl.UpstreamCookies != "pass" {
		return fmt.Errorf("upstream_cookies must be strip or pass, not %q", rl.UpstreamCookies)
	}
	if !slices.Contains([]string{"", "id", "email", "login"}, rl.Username) {
		return fmt.Errorf("username must be id, email or login, not %q", rl.Username)
	}
	return nil
}

func (rl *Realm) checkAddress() error {
	if rl.URL != "" {
		if _, err := request.ParseOrigin(rl.URL); err != nil {
			return fmt.Errorf("url: %w", err)
		}
	}
	if err := rl.checkCookieDomain(); err != nil {
		return err
	}
	if rl.BasePath != "" {
		if err := checkBasePath(rl.BasePath); err != nil {
			return err
		}
	}
	if _, err := parseRedirects(rl.Redirect); err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	return nil
}

// checkCookieDomain refuses a cookie_domain that doesn't fit url.
func (rl *Realm) checkCookieDomain() error {
	if rl.CookieDomain == "" {
		return nil
	}
	domain, err := request.ParseCookieDomain(rl.CookieDomain)
	if err != nil {
		return err
	}
	if rl.URL == "" {
		return fmt.Errorf("cookie_domain needs url: write the address of the sign-in pages, such as url https://auth.%s", domain)
	}
	origin, err := request.ParseOrigin(rl.URL)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	_, host, _ := strings.Cut(origin, "://")
	if host, _, err = request.SplitHost(host); err != nil || !request.InsideDomain(host, domain) {
		return fmt.Errorf("cookie_domain %s does not cover url's host %s", domain, host)
	}
	return nil
}

// checkPages refuses pages that can't be the site's own.
func (rl *Realm) checkPages() error {
	for _, page := range []struct{ option, value string }{
		{"signin", rl.Pages.SignIn},
		{"signout", rl.Pages.SignOut},
		{"error", rl.Pages.Error},
		{"verify_request", rl.Pages.VerifyRequest},
		{"new_user", rl.Pages.NewUser},
	} {
		if err := checkPage(page.value); err != nil {
			return fmt.Errorf("pages: %s: %w", page.option, err)
		}
		u, err := url.Parse(strings.TrimPrefix(page.value, strings.TrimSuffix(rl.URL, "/")))
		if err != nil || u.Host != "" {
			continue // another site's
		}
		if _, ours := realm.ActionPath(u.Path, cmp.Or(rl.BasePath, defaultBasePath)); ours {
			return fmt.Errorf("pages: %s %s is below base_path, where the built-in pages are, and would lead to itself: write a page of the site's own, or leave the line out", page.option, page.value)
		}
	}
	return nil
}

func (rl *Realm) checkHeaders() error {
	if _, err := rl.IdentityHeaders.Plan(); err != nil {
		return fmt.Errorf("identity_headers: %w", err)
	}
	return nil
}

// check refuses what can't be meant.
func (s *SessionConfig) check() error {
	if _, ok := session.Strategies[s.Strategy]; !ok && s.Strategy != "" {
		return fmt.Errorf("session: strategy %q is not known: write %s, or leave it out",
			s.Strategy, strings.Join(slices.Sorted(maps.Keys(session.Strategies)), " or "))
	}
	known := []string{"id", "username", "groups", "provider"}
	for _, field := range s.Expose {
		if !slices.Contains(known, field) {
			return fmt.Errorf("session: expose %q is not known: write any of %s", field, strings.Join(known, ", "))
		}
	}
	return s.checkLimits()
}

var errNoProvider = errors.New("no provider: add one to the signin block, such as credentials, google or oidc")

func errBadProviderID(id string) error {
	if id == session.ForeignProvider {
		return fmt.Errorf("provider id %q stands for sessions that NextAuth itself issued: give the provider another id", id)
	}
	return fmt.Errorf("provider id %q must be of letters, digits, hyphens, dots and underscores: give the provider such an id; its name may be any text", id)
}

func errTwoProviders(id string) error {
	return fmt.Errorf("two providers have the id %q: give one of them an id line of its own", id)
}

func isProviderID(id string) bool {
	return id != "" && len(id) <= 64 && id != session.ForeignProvider && strings.Trim(id, ".") != "" &&
		!strings.ContainsFunc(id, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
		})
}

// checkIDs refuses a realm without providers, and ids that can't be told apart or
// don't fit into a path.
func checkIDs(ids []string) error {
	if len(ids) == 0 {
		return errNoProvider
	}
	for i, id := range ids {
		if !isProviderID(id) {
			return errBadProviderID(id)
		}
		if slices.Contains(ids[:i], id) {
			return errTwoProviders(id)
		}
	}
	return nil
}

// checkRules refuses rules about providers that the realm doesn't have, and deny
// rules that can't be judged. tells gives what each provider tells, by id.
func checkRules(allow, deny []access.Rule, tells map[string]providers.Parts) error {
	for _, rule := range slices.Concat(allow, deny) {
		if err := rule.CheckProviders(func(id string) bool { _, ok := tells[id]; return ok }); err != nil {
			return err
		}
	}
	for i := range deny {
		if err := checkEvaluable(&deny[i], tells); err != nil {
			return fmt.Errorf("deny %w", err)
		}
	}
	return nil
}
