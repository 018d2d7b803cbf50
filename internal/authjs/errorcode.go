package authjs

import (
	"net/http"
	"slices"
	"strings"
)

// ErrorCode is what the error page and the sign-in page are told in the query
// parameter error. Codes are compared with their case.
type ErrorCode string

// The codes of NextAuth.js v4.
const (
	// CodeSignin is a sign-in that couldn't start.
	CodeSignin ErrorCode = "Signin"
	// CodeOAuthSignin is an authorization request that couldn't be made.
	CodeOAuthSignin ErrorCode = "OAuthSignin"
	// CodeOAuthCallback is a provider's answer that didn't hold.
	CodeOAuthCallback ErrorCode = "OAuthCallback"
	// CodeOAuthCreateAccount is a user that couldn't be stored after OAuth.
	CodeOAuthCreateAccount ErrorCode = "OAuthCreateAccount"
	// CodeEmailCreateAccount is a user that couldn't be stored after a mailed link.
	CodeEmailCreateAccount ErrorCode = "EmailCreateAccount"
	// CodeCallback is a provider's own error answer, or another failure at its return.
	CodeCallback ErrorCode = "Callback"
	// CodeOAuthAccountNotLinked is an e-mail address that another account has.
	CodeOAuthAccountNotLinked ErrorCode = "OAuthAccountNotLinked"
	// CodeEmailSignin is an address that is invalid or couldn't be mailed.
	CodeEmailSignin ErrorCode = "EmailSignin"
	// CodeCredentialsSignin is an unknown user or a wrong password.
	CodeCredentialsSignin ErrorCode = "CredentialsSignin"
	// CodeSessionRequired is a page that asks to sign in first.
	CodeSessionRequired ErrorCode = "SessionRequired"
	// CodeConfiguration is a fault of the server's configuration.
	CodeConfiguration ErrorCode = "Configuration"
	// CodeAccessDenied is a person that the realm's rules refuse.
	CodeAccessDenied ErrorCode = "AccessDenied"
	// CodeVerification is a mailed link that is unknown, used or too old.
	CodeVerification ErrorCode = "Verification"
	// CodeNoLinkToken is a mailed link without its token. NextAuth.js writes it in
	// lower case.
	CodeNoLinkToken ErrorCode = "configuration"
	// CodeMissingCSRF is a form whose token did not fit; v5 has it, and our pages.
	CodeMissingCSRF ErrorCode = "MissingCSRF"
)

// The codes that are ours: NextAuth.js has none for what they say.
const (
	// CodeUnavailable is a store or a back end that can't be asked now.
	CodeUnavailable ErrorCode = "Unavailable"
	// CodeAccountLocked, CodeAccountDisabled, CodePasswordExpired, CodeCodeRequired
	// and CodeCodeInvalid are a credentials back end's reasons.
	CodeAccountLocked   ErrorCode = "AccountLocked"
	CodeAccountDisabled ErrorCode = "AccountDisabled"
	CodePasswordExpired ErrorCode = "PasswordExpired"
	CodeCodeRequired    ErrorCode = "CodeRequired"
	CodeCodeInvalid     ErrorCode = "CodeInvalid"
)

// signInCodes are the codes that the sign-in page shows.
var signInCodes = []ErrorCode{
	CodeSignin, CodeOAuthSignin, CodeOAuthCallback, CodeOAuthCreateAccount, CodeEmailCreateAccount, CodeCallback,
	CodeOAuthAccountNotLinked, CodeEmailSignin, CodeCredentialsSignin, CodeSessionRequired,
	CodeUnavailable, CodeAccountLocked, CodeAccountDisabled, CodePasswordExpired, CodeCodeRequired, CodeCodeInvalid,
}

// OnSignInPage says that the code is shown on the sign-in page, where the person
// can try again: GET error redirects there, also when a custom error page is set.
func (c ErrorCode) OnSignInPage() bool { return slices.Contains(signInCodes, c) }

// Status returns the HTTP status of the built-in error page for a code, which
// may be any text of the query's: here, case doesn't matter.
func (c ErrorCode) Status() int {
	switch strings.ToLower(string(c)) {
	case "configuration":
		return http.StatusInternalServerError
	case "accessdenied", "verification":
		return http.StatusForbidden
	}
	return http.StatusOK
}
