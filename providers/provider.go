// Package providers is the contract of the ways to sign in: guest modules in the
// namespace signin.providers. A provider turns what a browser brings (a callback's
// parameters, a form) into an [Account]; it knows nothing of cookies, sessions or
// redirects back into the site.
//
// The packages below it are the kinds of providers, and what several of them share.
package providers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

//go:generate go test ./presets -run TestFiles -update
//go:generate go run ./presetdoc ../docs

// Namespace is the Caddy module namespace of all providers.
const Namespace = "signin.providers"

// Type is what GET /providers reports as a provider's "type".
type Type string

// The types that the next-auth v4 client knows. OIDC providers are of type oauth.
const (
	TypeOAuth       Type = "oauth"
	TypeEmail       Type = "email"
	TypeCredentials Type = "credentials"
)

// Provider is one configured way to sign in.
type Provider interface {
	// Info describes the provider. It asks nobody, and may be called at any time once
	// the provider is provisioned.
	Info() Info
}

// Info describes a provider to the protocol and to the sign-in page.
type Info struct {
	// ID is the path segment in signin/<id> and callback/<id>, unique in its realm.
	ID string
	// Name is what people read: "Continue with <Name>".
	Name string
	// Type is what the protocol reports.
	Type Type
	// OIDC says that a provider of TypeOAuth speaks OpenID Connect.
	OIDC bool
	// Preset is the table row that this provider came from, empty when it has none.
	// The sign-in page picks the provider's mark by it.
	Preset string
	// Public says that anyone in the world can have an account there.
	Public bool
	// FormPost says that the provider answers with a form that the browser sends
	// from the provider's site (OAuth 2.0 Form Post Response Mode).
	FormPost bool
	// FormActions are the http origins, outside https, that the sign-in form's
	// redirects pass through (Content-Security-Policy form-action).
	FormActions []string
}

// Named adds a provider's id to an error. Nil stays nil.
func Named(id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("provider %q: %w", id, err)
}

// Account is a person as one provider attests it.
type Account struct {
	// ID is the provider's own immutable identifier, never empty.
	ID string
	// Login is the login name, for providers that have one of ours (credentials).
	Login string
	// Name is what people read; it may be empty.
	Name string
	// Email is a valid addr-spec in lower case, or empty.
	Email string
	// EmailVerified is true only when the provider attests the address.
	EmailVerified bool
	// Image is an http or https URL, or empty.
	Image string
	// Groups are those that the person is let in by, at most [MaxGroups].
	Groups []string
	// OtherEmails are further addresses that the provider names the person by, in the
	// form of Email. They count for deny alone.
	OtherEmails []string
	// OtherGroups are further groups, which count for deny alone.
	OtherGroups []string
	// Incomplete is what is missing in the fields above, or may be: see [Incomplete].
	Incomplete []Incomplete
	// Tokens are what the provider's token endpoint gave; nil where there is none.
	Tokens *Tokens
	// Credential changes when the person's password is set anew; empty where the
	// provider doesn't keep it. It is for comparing within the process: what goes
	// out is made by a secret key from it.
	Credential string
	// Demo says that the password is published in the documentation: such an
	// account is let in only where visitor and site sit on one machine.
	Demo bool
}

// Tokens are what a token endpoint gives beside a sign-in (RFC 6749 section
// 5.1), for whoever calls the provider in the person's name.
type Tokens struct {
	// Access is never empty; Refresh and ID may be.
	Access, Refresh, ID string
	// Scope is what was granted; empty where the provider doesn't tell.
	Scope string
	// Expires is when Access stops being good; zero where the provider doesn't
	// tell.
	Expires time.Time
}

// Redirector is a provider that signs in by sending the browser to an
// authorization endpoint and reading the answer at callback/<id>.
type Redirector interface {
	Provider
	// Begin returns the URL of the authorization request. An error means that
	// the provider can't be used now (OAuthSignin).
	Begin(ctx context.Context, flow Flow, extra url.Values) (string, error)
	// Refused returns an [ErrProviderRefused] when the callback's parameters (query or
	// form) are the provider's own error answer, and nil else. It is asked of every
	// callback, also of one that belongs to no flow.
	Refused(answer url.Values) error
	// Finish checks the parameters of a callback that isn't refused and whose state the
	// caller compared with the flow's, and returns who signed in. [ErrNotAdmitted] is a
	// person whom the configuration doesn't let in; every other error is OAuthCallback.
	Finish(ctx context.Context, flow Flow, answer url.Values) (Account, error)
}

// Flow is what binds one authorization request to its callback (RFC 6749
// section 10.12, RFC 7636, OpenID Connect Core 3.1.2.1). Each secret has 256
// random bits.
type Flow struct {
	// State comes back in the callback; the caller compares it.
	State string
	// Nonce comes back in the ID token; the provider compares it.
	Nonce string
	// Verifier proves to the token endpoint who began (PKCE, code_verifier).
	Verifier string
	// RedirectURI is the callback's address, the same in both requests.
	RedirectURI string
	// Began is when the browser was sent to the provider; zero where it isn't known.
	Began time.Time
}

// Checker is a provider that checks what a person typed into a form.
type Checker interface {
	Provider
	// Fields are drawn on the sign-in page, in this order.
	Fields() []Field
	// Check returns the account, or [ErrWrongCredentials], or a [RefusalError] (which
	// is one, too). Every other error, of a full queue or a back end that failed, means
	// that the answer is not known. It takes of the fields what it declares.
	Check(ctx context.Context, fields map[string]string) (Account, error)
}

// Field is one input of a [Checker]'s form.
type Field struct {
	// The name by which it is sent: letters, digits, hyphens and underscores.
	// Default: none, required.
	Name string `json:"name"`

	// What people read beside it. Default: the name.
	Label string `json:"label,omitempty"`

	// text, password or email. Default: text.
	Type string `json:"type,omitempty"`

	// The HTML autofill token, such as one-time-code. Default: none.
	Autocomplete string `json:"autocomplete,omitempty"`

	// Whether it may be left empty. Default: false.
	Optional bool `json:"optional,omitempty"`
}

// Roster is implemented by providers that may know their users without asking
// anyone. Each request of a session then goes by who its user is now: one who is
// gone, or whose Credential is another, is signed out.
type Roster interface {
	// Current returns the account of an id as it is now, which nobody may change,
	// or nil when there is none. It must not block. known is false where the
	// provider can't tell, as when somebody else checks the passwords.
	Current(accountID string) (account *Account, known bool)
}

// RefusalError is an [ErrWrongCredentials] that the back end gives a reason for.
type RefusalError struct {
	// Code is a reason for which [IsRefusalCode] holds.
	Code string
}

// Error is for the log: people read words of ours for the code.
func (r *RefusalError) Error() string { return "refused by the back end: " + r.Code }

// Is makes a refusal an ErrWrongCredentials.
func (r *RefusalError) Is(target error) bool { return target == ErrWrongCredentials }

// IsRefusalCode says that a back end may give this reason: people read it in words of
// ours. Every other reason is a wrong password.
func IsRefusalCode(code string) bool {
	switch code {
	case "AccountLocked", "AccountDisabled", "PasswordExpired", "CodeRequired", "CodeInvalid", "AccessDenied":
		return true
	}
	return false
}

var (
	// ErrProviderRefused is the provider's own error answer (the person
	// cancelled, or the client is misconfigured).
	ErrProviderRefused = errors.New("the provider answered with an error")
	// ErrNotAdmitted is a person about whom the provider doesn't attest what the
	// configuration asks for.
	ErrNotAdmitted = errors.New("the provider doesn't attest what the configuration asks for")
	// ErrWrongCredentials is an unknown user or a wrong password, alike.
	ErrWrongCredentials = errors.New("unknown user or wrong password")
)
