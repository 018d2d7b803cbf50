package email

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// API is a service that takes mails over HTTP. Its certificate is always
// verified, and it is told nothing but the mail.
//
// key, endpoint and the values of options may hold placeholders such as
// {env.RESEND_KEY} or {file./run/secrets/resend}, which are resolved when the
// configuration is loaded and don't show in it.
type API struct {
	// The service: resend, sendgrid, postmark, mailgun, loops or forwardemail.
	// Default: none, required.
	Service string `json:"service"`

	// The key of the account (Postmark: of the server). Default: none, required.
	Key string `json:"key,omitempty"`

	// What the service asks for, by name: message_stream of postmark, region
	// (us or eu) and domain of mailgun, transactional_id of loops.
	// Default: what docs/providers.md says.
	Options map[string]string `json:"options,omitempty"`

	// Where mails are handed over: an https URL, or http on this machine.
	// Default: the service's.
	Endpoint string `json:"endpoint,omitempty"`

	// How to connect: the settings of reverse_proxy's http transport (TLS trust,
	// network_proxy, dial_timeout, ...). The environment's HTTP_PROXY is not
	// used; name a proxy here. Default: verified TLS, no proxy.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`
}

// check says what is wrong with the written values, placeholders aside.
func (a *API) check(from string) error {
	row, ok := services[a.Service]
	if !ok {
		return fmt.Errorf("api: service %q is not known%s", excerpt.Of(a.Service), directive.DidYouMean(a.Service, ServiceNames()))
	}
	if a.Key == "" {
		return fmt.Errorf("key is missing: write the account's, as in %s {env.MAIL_KEY}", a.Service)
	}
	known := make([]string, 0, len(row.options))
	for _, option := range row.options {
		known = append(known, option.name)
		if err := option.check(a.Options[option.name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Options)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s has no option %q", row.name, excerpt.Of(name))
		}
	}
	endpoint := cmp.Or(a.Endpoint, row.endpoint)
	if a.Endpoint == "" {
		endpoint = a.texts(row, from).fill(endpoint)
	}
	if directive.IsDynamic(endpoint) {
		return nil
	}
	if outgoing.CheckURL(endpoint, false) != nil {
		return fmt.Errorf("endpoint must be an https URL, or http on this machine, got %q", excerpt.Of(endpoint))
	}
	return nil
}

// Values become parts of host names, paths and headers.
var optionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// check checks a service's option: its value becomes part of a path.
func (o option) check(written string) error {
	switch value := cmp.Or(written, o.value); {
	case value == "" && o.required:
		return fmt.Errorf("%s is missing: write %s", o.name, o.use)
	case value == "" || directive.IsDynamic(value):
		return nil
	case !optionPattern.MatchString(value):
		return fmt.Errorf("%s must be letters, digits, dots, hyphens and underscores, got %q", o.name, excerpt.Of(value))
	case o.choices != nil && o.choices[value] == nil:
		return fmt.Errorf("%s must be one of %s, got %q", o.name, strings.Join(slices.Sorted(maps.Keys(o.choices)), ", "), excerpt.Of(value))
	}
	return nil
}

// texts are what doesn't change from mail to mail. The domain is that of the
// sender's address unless an option says another.
func (a *API) texts(row service, from string) texts {
	values := texts{}
	for _, option := range row.options {
		value := cmp.Or(a.Options[option.name], option.value)
		if option.choices == nil {
			values[option.name] = value
		}
		maps.Copy(values, option.choices[value])
	}
	if _, needed := values["domain"]; needed {
		_, domain, _ := strings.Cut(from, "@")
		values["domain"] = cmp.Or(values["domain"], strings.TrimRight(domain, ">"))
	}
	return values
}

// provision resolves the placeholders and makes the sender. It connects to
// nothing.
func (a *API) provision(ctx caddy.Context, from string) (*apiSender, error) {
	resolved := *a
	for _, field := range []struct {
		name  string
		value *string
	}{{"key", &resolved.Key}, {"endpoint", &resolved.Endpoint}} {
		if err := directive.Expand(field.name, field.value); err != nil {
			return nil, err
		}
	}
	if err := directive.ExpandMap("options", &resolved.Options); err != nil {
		return nil, err
	}
	if err := resolved.check(from); err != nil {
		return nil, err
	}
	if strings.ContainsFunc(resolved.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("key has a space or another character that no key has: is it cut off at a line's end?")
	}
	client, _, err := outgoing.NewClient(ctx, a, &a.TransportRaw)
	if err != nil {
		return nil, err
	}
	row := services[resolved.Service]
	fixed := resolved.texts(row, from)
	return &apiSender{
		row: row, key: resolved.Key, fixed: fixed, endpoint: cmp.Or(resolved.Endpoint, fixed.fill(row.endpoint)),
		client: client,
	}, nil
}
