package signin

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/publicsuffix"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

func (rl *Realm) provisionAddress(caddy.Context) error {
	if err := rl.provisionDialect(); err != nil {
		return err
	}
	if rl.URL != "" {
		origin, err := parseOrigin(rl.URL)
		if err != nil {
			return fmt.Errorf("url: %w", err)
		}
		rl.origin = origin
	}
	if err := rl.checkCookieDomain(); err != nil {
		return err
	}
	if rl.BasePath == "" {
		rl.BasePath = defaultBasePath
	}
	if err := checkBasePath(rl.BasePath); err != nil {
		return err
	}
	allowed, err := parseRedirects(rl.Redirect)
	if err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	rl.allowed = allowed
	return rl.checkPages()
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
		return nil, err //nolint:wrapcheck // it says which origin
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
		if _, ours := rl.actionPath(u.Path); ours {
			return fmt.Errorf("pages: %s %s is below base_path, where the built-in pages are, and would lead to itself: write a page of the site's own, or leave the line out", page.option, page.value)
		}
	}
	return nil
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

// checkCookieDomain refuses a cookie_domain that doesn't fit url.
func (rl *Realm) checkCookieDomain() error {
	if rl.CookieDomain == "" {
		return nil
	}
	domain, err := parseCookieDomain(rl.CookieDomain)
	if err != nil {
		return err
	}
	if rl.URL == "" {
		return fmt.Errorf("cookie_domain needs url: write the address of the sign-in pages, such as url https://auth.%s", domain)
	}
	origin, err := parseOrigin(rl.URL)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	_, host, _ := strings.Cut(origin, "://")
	if host, _, err = splitHost(host); err != nil || !insideDomain(host, domain) {
		return fmt.Errorf("cookie_domain %s does not cover url's host %s", domain, host)
	}
	rl.CookieDomain = domain
	return nil
}
