package signin

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/nearest"
	"github.com/caddy-signin/caddy-signin/providers/catalog"
)

// siteDirectives are Caddy's own (v2.11), which stand beside the signin block.
var siteDirectives = strings.Fields(`abort acme_server basic_auth bind copy_response encode error file_server forward_auth
	fs handle handle_errors handle_path header import intercept invoke log log_append log_name log_skip map method metrics
	php_fastcgi push redir request_body request_header require_signin respond reverse_proxy rewrite root route templates
	timeouts tls tracing try_files uri vars`)

// providerOptions are those that people look for outside of a provider's block.
var providerOptions = strings.Fields(`authorization_endpoint checks client_auth client_id client_secret id issuer
	name params profile scopes token_endpoint transport userinfo_endpoint`)

// unknownOption says where a word belongs that is neither an option of the realm nor a
// provider, or what it may have been meant to be.
func unknownOption(d *caddyfile.Dispenser, rl *Realm) error {
	word := d.Val()
	for name, inside := range map[string]directive.Options{"session": rl.Session.options(), "pages": rl.Pages.options()} {
		if inside[word] != nil {
			return d.Errf("%s stands inside %s { … }", word, name)
		}
	}
	switch {
	case slices.Contains(siteDirectives, word):
		return d.Errf("%s is a directive of the site: it stands outside of the signin block", word)
	case slices.Contains(providerOptions, word):
		return d.Errf("%s stands inside a provider's block, such as google <client_id> <client_secret> { … }", word)
	case d.CountRemainingArgs() > 0 && isPasswordHash(d.RemainingArgs()[0]):
		return d.Errf("%s looks like a user: users stand inside credentials { … }", word)
	}
	known := rl.options().Names()
	if near := nearProviders(word); len(near) > 0 {
		known = slices.Concat(known, near)
	} else {
		known = append(known, "a provider of docs/providers.md") // there are too many to list
	}
	return d.Errf("unknown option %q%s", word, directive.DidYouMean(word, known))
}

func isPasswordHash(value string) bool {
	return strings.HasPrefix(value, "$2") || strings.HasPrefix(value, "$argon2")
}

// nearProviders are the providers that a word may have been meant to be. There are so
// many that any short word is near to one: where one of the two is short, they have to
// begin alike.
func nearProviders(word string) []string {
	return slices.DeleteFunc(nearest.Names(word, catalog.Keywords()), func(provider string) bool {
		return min(len(word), len(provider)) < 5 && !strings.HasPrefix(provider, word[:min(1, len(word))])
	})
}
