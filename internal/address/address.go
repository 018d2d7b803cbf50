// Package address reads e-mail addresses into the one form in which they are compared,
// stored and mailed, so that no two spellings are two people, and no two people one.
package address

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The limits of RFC 5321 section 4.5.3.1; 254 is what fits in its path of 256.
const (
	maxAddress   = 254
	maxLocalPart = 64
	maxLabel     = 63
)

var errNotAnAddress = errors.New("not an e-mail address: write one plain address, such as alice@example.com")

// Parse returns s as the one form in which the project compares, stores
// and mails an address: an addr-spec of RFC 5322 section 3.4.1 in lower case,
// its domain in ASCII (RFC 5891).
//
// What a person types is forgiven spaces around it, the case of ASCII letters,
// full-width forms (of such a keyboard) and combining marks. Everything else that
// isn't exactly one plain address is an error: a display name, a comment, a
// quoted local part, a list, routing with % or !, control characters, a non-ASCII
// local part, an address literal, a domain without a dot, more than 254 bytes,
// and letters that other software takes for ASCII ones, such as U+0130 for i.
// Parse(Parse(s)) is Parse(s).
func Parse(s string) (string, error) {
	if len(s) > 4*maxAddress || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", errNotAnAddress
	}
	return parseAddress(strings.TrimSpace(norm.NFC.String(strings.Map(narrow, s))))
}

// ParseCased reads an address that mail is sent from: as [Parse] does, but the
// local part stays as it is written, for some servers tell A from a in it (RFC 5321
// section 2.4), and none of it is folded.
func ParseCased(s string) (string, error) {
	normal, err := Parse(s)
	if err != nil {
		return "", err
	}
	local, _, _ := strings.Cut(s, "@")
	if !isLocalPart(local) {
		return "", errNotAnAddress
	}
	return local + normal[strings.LastIndex(normal, "@"):], nil
}

// Normal reads an address that somebody else vouches for or stores (a
// provider, a directory, NextAuth): ok is false for what isn't one plain address,
// and for what [Parse] would fold into another mailbox. They vouched for the
// one they wrote, not for the folded one.
func Normal(s string) (address string, ok bool) {
	if !norm.NFKC.IsNormalString(s) {
		return "", false
	}
	address, err := Parse(s)
	return address, err == nil
}

// narrow maps full-width forms to their ASCII characters. A letter that
// normalization would make an ASCII one (U+212A, the sign of kelvin) becomes what
// no address may hold.
func narrow(r rune) rune {
	switch {
	case r <= unicode.MaxASCII:
		return r
	case '！' <= r && r <= '～':
		return r - '！' + '!'
	case strings.ContainsFunc(norm.NFC.String(string(r)), isASCII):
		return utf8.RuneError
	}
	return r
}

func isASCII(r rune) bool { return r <= unicode.MaxASCII }

func parseAddress(s string) (string, error) {
	local, domain, found := strings.Cut(s, "@")
	if !found || !isLocalPart(local) {
		return "", errNotAnAddress
	}
	domain, err := HostName(domain)
	if err != nil {
		return "", err
	}
	if len(local)+len("@")+len(domain) > maxAddress {
		return "", errNotAnAddress
	}
	return LowerASCII(local) + "@" + domain, nil
}

// LowerASCII folds A to Z alone: [strings.ToLower] makes U+0130 an i, and so one
// mailbox of two.
func LowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, s)
}

// isLocalPart accepts the dot-atom of RFC 5322 section 3.2.3 without the
// characters that mailers, shells, headers or templates could read as syntax.
func isLocalPart(s string) bool {
	if s == "" || len(s) > maxLocalPart {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, isNotAtext) {
			return false
		}
	}
	return true
}

func isNotAtext(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune("#$&'*+-/=^_~", r)
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// HostName returns a host name of two labels or more in ASCII and in lower case, or
// an error for what is none: an IP address, or letters that no name may hold.
func HostName(domain string) (string, error) {
	domain = LowerASCII(domain)
	if strings.ContainsFunc(domain, func(r rune) bool { return !isASCII(r) }) {
		// The registration profile refuses what other profiles ignore or map away,
		// capital letters among it.
		ascii, err := idna.Registration.ToASCII(domain)
		if err != nil {
			return "", errNotAnAddress
		}
		domain = ascii
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 || isNumber(labels[len(labels)-1]) {
		return "", errNotAnAddress
	}
	for _, label := range labels {
		if !isHostLabel(label) {
			return "", errNotAnAddress
		}
	}
	return domain, nil
}

// isHostLabel accepts letters, digits and inner hyphens (RFC 1123 section 2.1).
func isHostLabel(label string) bool {
	return label != "" && len(label) <= maxLabel &&
		label[0] != '-' && label[len(label)-1] != '-' &&
		!strings.ContainsFunc(label, func(r rune) bool { return r != '-' && !isAlphanumeric(r) })
}

func isNumber(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
