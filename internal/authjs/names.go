package authjs

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// The prefixes by which a browser holds a cookie to its rules (RFC 6265bis,
// section 4.1.3).
const (
	securePrefix = "__Secure-"
	hostPrefix   = "__Host-"
)

// What follows the dialect's prefix in the cookies' names.
const (
	sessionSuffix     = "session-token"
	csrfSuffix        = "csrf-token"
	callbackURLSuffix = "callback-url"
	stateSuffix       = "state"
)

// Names are the cookie names of one public origin. Make them with
// [Dialect.Names], once; they are safe for concurrent use.
type Names struct {
	// Session holds the session token, whole; its parts are named Session + ".0"
	// and so on.
	Session string
	// CSRF holds the double-submit token (see [CSRF]).
	CSRF string
	// CallbackURL holds where the browser goes when a sign-in ends.
	CallbackURL string
	// State begins the names of pending sign-ins (see [Names.Pending]).
	State string
	// Secure says that the origin is https: every cookie is Secure and every name
	// carries its prefix, and names without it are ignored.
	Secure bool

	dialect Dialect
}

// Names returns the dialect's cookie names for an https origin (secure) or a
// plain http one.
func (d Dialect) Names(secure bool) *Names {
	n := &Names{Secure: secure, dialect: d}
	n.Session = d.namespace() + sessionSuffix
	n.CSRF = d.namespace() + csrfSuffix
	n.CallbackURL = d.namespace() + callbackURLSuffix
	n.State = d.namespace() + stateSuffix
	if secure {
		n.Session = securePrefix + n.Session
		n.CSRF = hostPrefix + n.CSRF
		n.CallbackURL = securePrefix + n.CallbackURL
		n.State = securePrefix + n.State
	}
	return n
}

// pendingDigits is how many hex digits tell the pending sign-ins of one browser apart.
const pendingDigits = 8

// Pending returns the name of the cookie that keeps the pending sign-in with
// this state parameter: one cookie per flow, so that tabs don't disturb each other.
func (n *Names) Pending(state string) string {
	sum := sha256.Sum256([]byte(state))
	return n.State + "." + hex.EncodeToString(sum[:pendingDigits/2])
}

// Flash returns the name of the cookie that tells the next page what became of a
// request. It is in the family of the pending sign-ins, so that it is kept from
// back ends as they are.
func (n *Names) Flash() string { return n.State + ".note" }

// isPending says whether name is one that [Names.Pending] makes.
func (n *Names) isPending(name string) bool {
	rest, ok := strings.CutPrefix(name, n.State)
	return ok && len(rest) == 1+pendingDigits && rest[0] == '.' && isLowerHex(rest[1:])
}

// Own says whether a cookie of this name belongs to us, in any dialect, on an
// https origin or a plain one: the session and whatever is numbered after it, the
// CSRF token, the callback URL, pending sign-ins. A back end shall neither see
// such a cookie nor set one. Names that merely begin alike
// (next-auth.session-token-x) are the application's. It doesn't allocate.
func Own(name string) bool {
	name = cutBrowserPrefix(name)
	for _, namespace := range namespaces {
		if rest, ok := strings.CutPrefix(name, namespace); ok {
			return ownSuffix(rest)
		}
	}
	return false
}

func ownSuffix(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	switch base {
	case sessionSuffix, stateSuffix:
		return true
	case csrfSuffix, callbackURLSuffix:
		return base == name
	}
	return false
}

// ownSession says whether a cookie is the session's in this dialect, or a part
// of it.
func (n *Names) ownSession(name string) bool {
	name, ok := strings.CutPrefix(cutBrowserPrefix(name), n.dialect.prefix)
	if !ok || !strings.HasPrefix(name, ".") {
		return false
	}
	base, _, _ := strings.Cut(name[1:], ".")
	return base == sessionSuffix
}

// cutBrowserPrefix removes __Secure- or __Host-.
func cutBrowserPrefix(name string) string {
	if rest, ok := strings.CutPrefix(name, securePrefix); ok {
		return rest
	}
	return strings.TrimPrefix(name, hostPrefix)
}

// isLowerHex says whether s holds lower-case hex digits only.
func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
