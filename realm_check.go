package signin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/flow"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/request"
)

// check refuses a realm that can't be meant, as far as that shows before its
// placeholders are filled in. Provisioning begins with it, and the Caddyfile ends
// a realm's block with it, where the message gets file and line. ids are those of
// the providers that are written.
func (rl *Realm) check(ids []string, written []json.RawMessage) error {
	for _, check := range []func() error{
		rl.checkWords, rl.checkAddress, rl.checkPages, rl.Session.check,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	if _, err := rl.IdentityHeaders.Plan(); err != nil {
		return fmt.Errorf("identity_headers: %w", err)
	}
	if err := checkIDs(ids); err != nil {
		return err
	}
	return checkRules(rl.Allow, rl.Deny, tellsOf(ids, written))
}

// checkWords refuses options that have a word which is none of theirs.
func (rl *Realm) checkWords() error {
	if _, ok := flow.DialectNamed(rl.Dialect); !ok {
		return fmt.Errorf("dialect %q is not known: write %s", rl.Dialect,
			strings.Join(flow.DialectNames(), " or "))
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
