package providers

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/address"
)

// IsLogin says whether a text can be an account's login name: 1 to 255 bytes of
// printable characters, without a colon, which ends the name in HTTP Basic (RFC
// 7617 section 2), and without space around it, which a header would lose.
func IsLogin(name string) bool {
	return name != "" && len(name) <= 255 && utf8.ValidString(name) &&
		strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == ':' || unicode.IsControl(r) })
}

// CheckLogin says what is wrong with a login name, or returns nil. A name with an @
// must be the account's own address, in whatever case: an upstream that takes
// addresses for names would take it for somebody else's.
func CheckLogin(name, email string) error {
	switch {
	case !IsLogin(name):
		return errors.New("a login name has 1 to 255 printable characters, no colon and no space around it")
	case strings.Contains(name, "@") && address.LowerASCII(name) != address.LowerASCII(email):
		return errors.New("a login name with an @ must be the user's own email: add the line `email " + name + "`")
	}
	return nil
}
