package signin

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/publicsuffix"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/flow"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
)

// provisionAddress settles where the realm is, and what its cookies are named.
// What could fail was checked.
func (rl *Realm) provisionAddress(caddy.Context) (err error) {
	active := rl.active
	if rl.URL != "" {
		if active.Origin, err = request.ParseOrigin(rl.URL); err != nil {
			return fmt.Errorf("url: %w", err)
		}
	}
	if rl.CookieDomain != "" {
		if active.CookieDomain, err = request.ParseCookieDomain(rl.CookieDomain); err != nil {
			return err
		}
	}
	if active.Allowed, err = parseRedirects(rl.Redirect); err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	spoken, _ := flow.DialectNamed(rl.Dialect) // which check has found
	active.JSONType = spoken.JSONType
	active.PlainCookieNames, active.SecureCookieNames, active.Strip = spoken.PlainCookieNames, spoken.SecureCookieNames, authjs.Strip
	if rl.UpstreamCookies == "pass" {
		active.Strip = spoken.PlainCookieNames.StripButSession // it takes those of https for its own, too
	}
	rl.endpoints = &flow.Endpoints{
		Protocol: protocol, Dialect: spoken, Pages: flow.CustomPages(rl.Pages), Expose: rl.Session.Expose,
		OtherClient: sync.OnceFunc(func() { active.Logger.Warn(otherClient(rl.Dialect)) }),
	}
	return nil
}

// otherClient tells which line a client of the other generation of NextAuth needs.
func otherClient(dialect string) string {
	if dialect == "authjs" {
		return "a client of next-auth 4 is calling, and this realm speaks to next-auth 5: write `dialect next-auth` in its signin block, or leave dialect out"
	}
	return "a client of next-auth 5 is calling, and this realm speaks to next-auth 4: write `dialect authjs` in its signin block"
}

// basePathPattern has what means the same in a path, a URL and a cookie: the
// unreserved characters of RFC 3986 section 2.3.
var basePathPattern = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func checkBasePath(path string) error {
	if !basePathPattern.MatchString(path) || caddyhttp.CleanPath(path, true) != path {
		return fmt.Errorf("base_path %q must be a clean path such as /api/auth, of letters, digits and - . _ ~, without a slash at its end", path)
	}
	return nil
}

// parseRedirects refuses a wildcard below which anyone can have a host, too.
func parseRedirects(origins []string) (redirect.Allowed, error) {
	allowed, err := redirect.ParseAllowed(origins...)
	if err != nil {
		return nil, err
	}
	for _, origin := range origins {
		_, domain, ok := strings.Cut(strings.ToLower(origin), "://*.")
		if domain, _, _ = strings.Cut(domain, ":"); !ok {
			continue
		}
		// A last label that the list doesn't know, such as localhost, is nobody's but the operator's.
		suffix, listed := publicsuffix.PublicSuffix(domain)
		if suffix == domain && (listed || strings.Contains(suffix, ".")) {
			return nil, fmt.Errorf("redirect origin %q covers a public suffix: anyone can have a host below %s, so write the domains that are yours", origin, domain)
		}
	}
	return allowed, nil
}

// checkPage accepts a root-relative path or an absolute http(s) URL: it is the
// operator's word, and goes into Location as it stands.
func checkPage(page string) error {
	if page == "" {
		return nil
	}
	u, err := url.Parse(page)
	if err != nil || strings.ContainsAny(page, "\\\t\r\n ") || u.Fragment != "" {
		return fmt.Errorf("%q must be a path such as /login", page)
	}
	relative := u.Scheme == "" && u.Host == "" && strings.HasPrefix(page, "/")
	absolute := (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	if !relative && !absolute {
		return fmt.Errorf("%q must be a path such as /login", page)
	}
	return nil
}
