package pages

import (
	"net/url"
	"regexp"
)

// ContentSecurityPolicy is the page's Content-Security-Policy, which [Serve]
// sends: nothing but its own style (by hash), its script and form targets
// where it has a form, and images of its own origin (the tab's icon) and its
// logo's. formActions are the http origins, outside https, that a form's
// redirects pass through: Chromium applies form-action to every hop. What has
// no form as a CSP source is left out, such as an origin with an IPv6 address:
// a provider on this machine is named localhost or 127.0.0.1.
func ContentSecurityPolicy(page Page, formActions ...string) string {
	return viewOf(page).policy(formActions)
}

func (v view) policy(formActions []string) string {
	images := sources("'self'", v.Logo)
	scripts, forms, ancestors := "'none'", "'none'", "'none'"
	if v.hasForm() {
		scripts, forms = "'self'", sources("'self' https:", formActions...)
	}
	if v.Framed {
		ancestors = "'self'"
	}
	return "default-src 'none'; style-src " + styleHash + "; img-src " + images +
		"; script-src " + scripts + "; form-action " + forms +
		"; frame-ancestors " + ancestors + "; base-uri 'none'"
}

func (v view) frameOptions() string {
	if v.Framed {
		return "SAMEORIGIN"
	}
	return "DENY"
}

// sources adds the origins of http(s) URLs, each once, to a list of sources.
func sources(list string, urls ...string) string {
	seen := make(map[string]bool)
	for _, raw := range urls {
		if src := origin(raw); src != "" && !seen[src] {
			seen[src] = true
			list += " " + src
		}
	}
	return list
}

// hostSource is a host with an optional port, as CSP3 section 2.3.1 writes one.
var hostSource = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// origin is the CSP source of an http(s) URL's origin, empty for anything else.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !hostSource.MatchString(u.Host) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
