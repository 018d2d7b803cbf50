// Package profile turns what a provider says of a person, claims or values of a
// directory, into an account: it follows the paths of a [Map] into claims, and keeps of
// what stands there what is usable. What can't be read and may matter for who is denied
// is noted in the account.
package profile

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/providers"
)

// Map says where in a provider's claims the parts of a profile stand. A
// value is a path: member names joined by dots, and in arrays indexes from 0, or
// a member's value that the element must have ("contact.email", "emails.0",
// "emails.primary=true.email"); alternatives are separated by "|", and the first
// that holds something usable counts ("name|login"). "off" reads nothing.
//
// A path that begins with token_response reads the token endpoint's answer. The
// name may also be joined of several parts ("first_name+last_name"), and be read
// from what the provider sent through the browser ("callback.user.name"), which
// nothing proves. The picture may be a URL with paths in braces
// ("https://img.example/{id}.png").
type Map struct {
	// The immutable identifier: a string of at most 255 bytes without space
	// around it, or a whole number. Default: the preset's; else sub for oidc, id|sub for oauth2.
	ID string `json:"id,omitempty"`

	// The name that people read.
	// Default: the preset's; else name|nickname|preferred_username.
	Name string `json:"name,omitempty"`

	// The e-mail address. It counts as verified when email_verified says so.
	// Default: the preset's; else email.
	Email string `json:"email,omitempty"`

	// Where the provider says whether the address is verified, as true or
	// "true". Of several flags joined by + ("is_valid+is_verified") each must say
	// so; "off" trusts nothing. Default: the preset's; else the claim
	// email_verified beside a claim called email.
	EmailVerified string `json:"email_verified,omitempty"`

	// The picture, an http or https URL.
	// Default: the preset's; else picture for oidc, picture|avatar_url for oauth2.
	Image string `json:"image,omitempty"`

	// The groups: an array of strings and whole numbers, or one of them.
	// Default: the preset's; else groups.
	Groups string `json:"groups,omitempty"`
}

// Off switches a part of a profile off, or an endpoint.
const Off = "off"

// Check says what can't be read, or returns nil.
func (m Map) Check() error {
	if m.ID == Off {
		return errors.New("profile id can't be off: without it nobody can be told from another")
	}
	for _, part := range []struct {
		name, written string
		rich          bool // may be more than paths
	}{
		{"id", m.ID, false},
		{"name", m.Name, true},
		{"email", m.Email, false},
		{"email_verified", strings.ReplaceAll(m.EmailVerified, "+", "|"), false},
		{"image", m.Image, true},
		{"groups", m.Groups, false},
	} {
		if err := CheckSources(part.written, part.rich); err != nil {
			return fmt.Errorf("profile %s: %w", part.name, err)
		}
	}
	return nil
}

// What is kept of a profile. The session cookie holds all of it.
const (
	maxID    = 255
	maxText  = 255
	maxImage = 2048
)

var (
	errNoID          = errors.New("the claims hold no usable identifier: set profile id to the path of one")
	errTooManyGroups = fmt.Errorf("the claims hold more than %d groups: have the provider send fewer, or set profile groups to %q", providers.MaxGroups, Off)
)

// Reader turns claims into a [providers.Account]. It is what a [Map] compiles to.
type Reader struct {
	id, email, groups []Path
	name, image       []source
	// verified says whether the address is; nil: the claim beside it does.
	verified []source
	// verifiesEmail: an address of which no claim says so is verified nevertheless.
	verifiesEmail bool
}

// Compile makes the reader of a map that was checked. verifiesEmail says that an address
// counts as verified where no claim says whether it is.
func (m Map) Compile(verifiesEmail bool) Reader {
	return Reader{
		id: ParsePaths(m.ID), email: ParsePaths(m.Email), groups: ParsePaths(m.Groups),
		name: parseSources(m.Name), image: parseSources(m.Image), verified: parseFlags(m.EmailVerified),
		verifiesEmail: verifiesEmail,
	}
}

// Account reads a profile.
func (r Reader) Account(c Claims) (providers.Account, error) {
	id, ok := first(c, r.id, Identifier)
	if !ok {
		return providers.Account{}, errNoID
	}
	account, err := r.Details(c)
	account.ID = id
	return account, err
}

// Details reads all but the identifier. Names and pictures that aren't what they
// claim to be are left out; an address or group that can't be read is noted. More
// groups than can be kept are an error.
func (r Reader) Details(c Claims) (providers.Account, error) {
	var account providers.Account
	account.Name, _ = firstOf(c, r.name, Text)
	account.Image, _ = firstOf(c, r.image, ImageURL)
	r.readGroups(c, &account)
	account.Email, account.EmailVerified = r.address(c)
	r.readAddresses(c, &account)
	if len(account.Groups) > providers.MaxGroups {
		return providers.Account{}, errTooManyGroups
	}
	return account, nil
}

// Lacks says that a mapped part of the profile that claims gave is missing, or whether
// the address in it is verified, so that asking the userinfo endpoint may help.
func (r Reader) Lacks(a providers.Account, c Claims) bool {
	return r.name != nil && a.Name == "" || r.groups != nil && a.Groups == nil ||
		r.email != nil && (a.Email == "" || !a.EmailVerified && r.lacksFlag(c))
}

// lacksFlag says that claims don't say whether the address is verified, though others of
// the same provider may.
func (r Reader) lacksFlag(c Claims) (lacks bool) {
	if r.verified != nil {
		_, said := firstOf(c, r.verified, func(v any) (any, bool) { return v, true })
		return !said
	}
	for _, at := range r.email {
		last := len(at) - 1
		if at[last] != "email" {
			continue
		}
		if _, said := append(slices.Clone(at[:last]), "email_verified").Find(map[string]any(c)); said {
			return false
		}
		lacks = true
	}
	return lacks
}

// ReadsEmail says that an address is mapped at all.
func (r Reader) ReadsEmail() bool { return r.email != nil }

// ReadsGroups says that groups are mapped at all.
func (r Reader) ReadsGroups() bool { return r.groups != nil }

// Complete fills what a lacks from b. An address and its verified flag always
// come from one source.
func Complete(a, b providers.Account) providers.Account {
	a.Name = cmp.Or(a.Name, b.Name)
	a.Image = cmp.Or(a.Image, b.Image)
	if a.Groups == nil {
		a.Groups = b.Groups
	}
	if a.Email == "" || a.Email == b.Email && b.EmailVerified {
		a.Email, a.EmailVerified = b.Email, b.EmailVerified
	}
	a.AddOtherGroups(slices.Values(slices.Concat(b.Groups, b.OtherGroups)))
	for _, email := range append(b.OtherEmails, b.Email) {
		a.AddOtherEmail(email)
	}
	a.MergeIncomplete(b.Incomplete)
	return a
}

// address returns the e-mail address and whether the provider vouches for it.
func (r Reader) address(c Claims) (email string, verified bool) {
	for _, at := range r.email {
		value, _ := at.Find(map[string]any(c))
		raw, _ := value.(string)
		email, ok := address.Normal(raw)
		if !ok {
			continue
		}
		if r.verified != nil {
			flag, _ := firstOf(c, r.verified, func(v any) (any, bool) { return v, true })
			return email, isTrue(flag)
		}
		// email_verified speaks of the claim email beside it, not of an upn or login.
		if last := len(at) - 1; at[last] == "email" {
			if flag, said := append(slices.Clone(at[:last]), "email_verified").Find(map[string]any(c)); said {
				return email, isTrue(flag)
			}
		}
		return email, r.verifiesEmail
	}
	return "", false
}

// DeniesAddress says that the claims have a flag for the address, and it is not
// true.
func (r Reader) DeniesAddress(c Claims) bool {
	if r.verified != nil {
		flag, said := firstOf(c, r.verified, func(v any) (any, bool) { return v, true })
		return said && !isTrue(flag)
	}
	flag, said := c["email_verified"]
	return said && !isTrue(flag)
}

// isTrue accepts the boolean and, as some providers send it, the string.
func isTrue(v any) bool { return v == true || v == "true" }

// Identifier accepts a string, and a whole number as its decimal digits. Space at
// a string's end would be lost in a header, and somebody else's id be left; U+FFFD
// stands for bytes that JSON can't have, several of which would be one.
func Identifier(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, v != "" && len(v) <= maxID && !strings.ContainsFunc(v, isNotInIDs) && strings.TrimSpace(v) == v
	case json.Number:
		return wholeNumber(v)
	}
	return "", false
}

func isNotInIDs(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

var wholeDigits = regexp.MustCompile(`^-?[0-9]+$`)

func wholeNumber(n json.Number) (string, bool) {
	digits := string(n)
	if wholeDigits.MatchString(digits) {
		return digits, len(digits) <= maxID && digits != "-0"
	}
	// 1.2e3 is 1200; beyond 2^53 such a form may have lost digits on its way.
	f, err := n.Float64()
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -1<<53 {
		return "", false
	}
	return strconv.FormatInt(int64(f), 10), true
}

// Text accepts a string that has something to show.
func Text(v any) (string, bool) {
	s, _ := v.(string)
	s = CleanText(s)
	return s, s != ""
}

// CleanText returns s on one line, without control characters and direction
// overrides, cut to 255 bytes.
func CleanText(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(s)
	if len(s) > maxText {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:maxText], ""))
	}
	return s
}

// ImageURL accepts an http or https URL that fits in a cookie; data: pictures don't.
func ImageURL(v any) (string, bool) {
	s, _ := v.(string)
	if s == "" || len(s) > maxImage || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return "", false
	}
	u, err := url.Parse(s)
	return s, err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
