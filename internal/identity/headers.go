package identity

import (
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// Headers are the request headers by which a gate tells the upstream
// who the user is. On every request the headers that the client sent under
// these names, under those of every other realm, and under those of the set
// remote, are removed first.
//
// A header whose value is missing is not sent. In values every byte outside
// printable ASCII, and every %, is percent-encoded, so that decodeURIComponent
// (or urllib.parse.unquote) gives the value back; groups, and claims that are lists
// of texts, are joined by commas, and a comma inside one is encoded too. A claim
// that is an object or another list is not sent. A value of more than 4 KiB, or one
// that would take all of them over 16 KiB, is not sent.
type Headers struct {
	// remote: Remote-User, Remote-Email, Remote-Name, Remote-Groups.
	// x-forwarded: X-Forwarded-User, -Email, -Groups, -Preferred-Username.
	// x-auth-request: X-Auth-Request-User, -Email, -Groups, -Preferred-Username.
	// off: none. Default: remote, or none of them when headers is set.
	Set string `json:"set,omitempty"`

	// Headers of your own: name to value, with placeholders such as
	// {http.auth.user.id}. Default: none.
	Headers map[string]string `json:"headers,omitempty"`
}

const (
	maxHeaderValue = 4 << 10
	maxHeadersSize = 16 << 10
)

// headerValue makes one header's value from a session, empty for none.
type headerValue func(*session.Session, *caddy.Replacer) string

var (
	valueID       headerValue = func(s *session.Session, _ *caddy.Replacer) string { return encodeHeader(s.UserID) }
	valueUsername headerValue = func(s *session.Session, _ *caddy.Replacer) string { return encodeHeader(s.Username) }
	valueEmail    headerValue = func(s *session.Session, _ *caddy.Replacer) string { return encodeHeader(s.Email) }
	valueName     headerValue = func(s *session.Session, _ *caddy.Replacer) string { return encodeHeader(s.Claims.Name.String()) }
	valueGroups   headerValue = func(s *session.Session, _ *caddy.Replacer) string { return groupList(s.Claims.Groups).String() }
)

// headerSets are the named sets. Remote-* is what Authelia and others send,
// the other two are oauth2-proxy's.
var headerSets = map[string]map[string]headerValue{
	"remote": {
		"Remote-User": valueUsername, "Remote-Email": valueEmail,
		"Remote-Name": valueName, "Remote-Groups": valueGroups,
	},
	"x-forwarded": {
		"X-Forwarded-User": valueID, "X-Forwarded-Email": valueEmail,
		"X-Forwarded-Groups": valueGroups, "X-Forwarded-Preferred-Username": valueUsername,
	},
	"x-auth-request": {
		"X-Auth-Request-User": valueID, "X-Auth-Request-Email": valueEmail,
		"X-Auth-Request-Groups": valueGroups, "X-Auth-Request-Preferred-Username": valueUsername,
	},
	"off": {},
}

// forbiddenHeaders would change how the request itself is read.
var forbiddenHeaders = request.NewHeaderNames(
	"Host", "Cookie", "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer",
	"Upgrade", "Authorization", "Proxy-Authorization", "Expect", "Content-Length", "Content-Type",
	"Content-Encoding", "Content-Range", "Range", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
	"X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Real-IP", "Origin", "Referer",
)

// HeaderPlan is a realm's identity headers, ready to be set.
type HeaderPlan struct {
	Own    *request.HeaderNames
	Names  []string // in canonical form, sorted
	values []headerValue
}

// Plan checks the headers, and makes them ready to be set. An error names the header,
// and says what to write.
func (h *Headers) Plan() (*HeaderPlan, error) {
	values, err := h.values()
	if err != nil {
		return nil, err
	}
	plan := &HeaderPlan{Names: slices.Sorted(maps.Keys(values))}
	for _, name := range plan.Names {
		plan.values = append(plan.values, values[name])
	}
	plan.Own = request.NewHeaderNames(plan.Names...)
	return plan, nil
}

// DefaultIdentity are the headers that requests lose whatever a realm sets.
func DefaultIdentity() *request.HeaderNames {
	return request.NewHeaderNames(append(slices.Collect(maps.Keys(headerSets["remote"])), "X-Signin-Assertion")...)
}

func (h *Headers) values() (map[string]headerValue, error) {
	set := h.Set
	if set == "" && len(h.Headers) == 0 {
		set = "remote"
	}
	values := make(map[string]headerValue)
	if set != "" {
		named, ok := headerSets[set]
		if !ok {
			return nil, fmt.Errorf("%q is not a set of headers: write one of %s, or a block of your own headers",
				set, strings.Join(slices.Sorted(maps.Keys(headerSets)), ", "))
		}
		maps.Copy(values, named)
	}
	for name, template := range h.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("%q is not a header name", name)
		case forbiddenHeaders.Has(name):
			return nil, fmt.Errorf("%s can't carry identity: it says how the request itself is read", canonical)
		case template == "":
			return nil, fmt.Errorf("%s has no value: write one such as {http.auth.user.id}", canonical)
		}
		if err := checkPlaceholders(template); err != nil {
			return nil, fmt.Errorf("%s: %w", canonical, err)
		}
		values[canonical] = templateValue(template)
	}
	return values, nil
}

// plainPlaceholders have a value function of their own, which costs less than
// asking the replacer and knows how each is encoded.
var plainPlaceholders = map[string]headerValue{
	"{http.auth.user.id}":       valueID,
	"{http.auth.user.username}": valueUsername,
	"{http.auth.user.email}":    valueEmail,
	"{http.auth.user.name}":     valueName,
	"{http.auth.user.groups}":   valueGroups,
}

func templateValue(template string) headerValue {
	if value, ok := plainPlaceholders[template]; ok {
		return value
	}
	template = encodeAround(template)
	return func(_ *session.Session, repl *caddy.Replacer) string {
		value, err := repl.ReplaceFunc(template, func(_ string, value any) (any, error) { return headerText(value), nil })
		if err != nil {
			return ""
		}
		return strings.TrimSpace(value)
	}
}

var anyPlaceholder = regexp.MustCompile(`\{[^{}]*\}`)

// encodeAround encodes what stands around placeholders. Their names stay as they
// are: claims may have any.
func encodeAround(template string) string {
	return anyPlaceholder.ReplaceAllStringFunc(encodeHeader(template), func(encoded string) string {
		name, err := url.PathUnescape(encoded)
		if err != nil {
			return encoded
		}
		return name
	})
}

// headerText is what a header says of a placeholder's value: a text, or a list of
// texts in the form of groups. An object, or a list of anything else, has no form
// that an upstream could read back, and says nothing.
func headerText(value any) string {
	switch value := value.(type) {
	case groupList:
		return value.String()
	case []any:
		list := make(groupList, len(value))
		for i, item := range value {
			text, ok := item.(string)
			if !ok {
				return ""
			}
			list[i] = text
		}
		return list.String()
	case map[string]any:
		return ""
	}
	return encodeHeader(caddy.ToString(value))
}

// Set tells the upstream who the user is. The values go into space where they
// fit.
func (p *HeaderPlan) Set(r *http.Request, s *session.Session, space []string) {
	if len(p.Names) == 0 {
		return
	}
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	lines := space
	if len(p.Names) > len(space) {
		lines = make([]string, len(p.Names)) // one allocation for all values
	}
	total := 0
	for i, name := range p.Names {
		value := p.values[i](s, repl)
		if value == "" || len(value) > maxHeaderValue || total+len(value) > maxHeadersSize {
			delete(r.Header, name)
			continue
		}
		total += len(value)
		lines[i] = value
		r.Header[name] = lines[i : i+1 : i+1]
	}
}

// usualGroup is a guess at the bytes of a group's name, to allocate once.
const usualGroup = 16

// groupList prints as a header value.
type groupList []string

// String joins the groups by commas; a comma inside a group is encoded.
func (l groupList) String() string {
	switch len(l) {
	case 0:
		return ""
	case 1:
		return encodeGroup(l[0])
	}
	var b strings.Builder
	b.Grow(len(l) * usualGroup)
	for i, group := range l {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(encodeGroup(group))
	}
	return b.String()
}

// encodeGroup keeps spaces at a name's ends, which a header would lose: another
// group's name would be left.
func encodeGroup(group string) string {
	encoded := encodeHeader(group)
	if strings.TrimSpace(group) != group {
		inner := strings.Trim(group, " ")
		before := len(group) - len(strings.TrimLeft(group, " "))
		after := max(0, len(group)-before-len(inner))
		encoded = strings.Repeat("%20", before) + encodeHeader(inner) + strings.Repeat("%20", after)
	}
	return strings.ReplaceAll(encoded, ",", "%2C")
}

// encodeHeader drops control characters and percent-encodes what is not
// printable ASCII, and the percent sign itself, so that the form is unambiguous.
func encodeHeader(value string) string {
	plain := true
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '%' {
			plain = false
			break
		}
	}
	if plain {
		return strings.TrimSpace(value)
	}
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(value) {
		switch c := value[i]; {
		case c < ' ' || c == 0x7f:
		case c > '~' || c == '%':
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&0xf])
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// Demand that the replacer and CEL see groups as a list that prints well.
var _ fmt.Stringer = groupList(nil)
