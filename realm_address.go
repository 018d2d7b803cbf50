package signin

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

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
	allowed, err := redirect.ParseAllowed(rl.Redirect...)
	if err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	rl.allowed = allowed
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
	}
	return nil
}

func checkBasePath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || caddyhttp.CleanPath(path, true) != path {
		return fmt.Errorf("base_path %q must be a clean path such as /api/auth, without a slash at its end", path)
	}
	return nil
}

// parseOrigin accepts an http or https URL that names an origin and no more.
func parseOrigin(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q must be a scheme and host such as https://app.example.com (the path goes into base_path)", raw)
	}
	host, port, err := splitHost(u.Host)
	if err != nil {
		return "", fmt.Errorf("%q: %w", raw, err)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != 0 && !(u.Scheme == "http" && port == 80) && !(u.Scheme == "https" && port == 443) {
		host = fmt.Sprintf("%s:%d", host, port)
	}
	return u.Scheme + "://" + host, nil
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
