package authjs_test

import (
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

func TestErrorCodesKnowTheirPageAndStatus(t *testing.T) {
	t.Parallel()
	cases := []struct {
		code     authjs.ErrorCode
		text     string
		onSignIn bool
		status   int
	}{
		{authjs.CodeSignin, "Signin", true, 200},
		{authjs.CodeOAuthSignin, "OAuthSignin", true, 200},
		{authjs.CodeOAuthCallback, "OAuthCallback", true, 200},
		{authjs.CodeOAuthCreateAccount, "OAuthCreateAccount", true, 200},
		{authjs.CodeEmailCreateAccount, "EmailCreateAccount", true, 200},
		{authjs.CodeCallback, "Callback", true, 200},
		{authjs.CodeOAuthAccountNotLinked, "OAuthAccountNotLinked", true, 200},
		{authjs.CodeEmailSignin, "EmailSignin", true, 200},
		{authjs.CodeCredentialsSignin, "CredentialsSignin", true, 200},
		{authjs.CodeSessionRequired, "SessionRequired", true, 200},
		{authjs.CodeConfiguration, "Configuration", false, 500},
		{authjs.CodeAccessDenied, "AccessDenied", false, 403},
		{authjs.CodeVerification, "Verification", false, 403},
		{authjs.CodeUnavailable, "Unavailable", true, 200},
		{authjs.CodeAccountLocked, "AccountLocked", true, 200},
		{authjs.CodeAccountDisabled, "AccountDisabled", true, 200},
		{authjs.CodePasswordExpired, "PasswordExpired", true, 200},
		{authjs.CodeCodeRequired, "CodeRequired", true, 200},
		{authjs.CodeCodeInvalid, "CodeInvalid", true, 200},
		{"configuration", "configuration", false, 500},
		{"ACCESSDENIED", "ACCESSDENIED", false, 403},
		{"callback", "callback", false, 200},
		{"", "", false, 200},
		{"anything", "anything", false, 200},
	}
	for _, c := range cases {
		if string(c.code) != c.text || c.code.OnSignInPage() != c.onSignIn || c.code.Status() != c.status {
			t.Errorf("%q, want %q: sign-in page %v, status %d", c.code, c.text, c.code.OnSignInPage(), c.code.Status())
		}
	}
}
