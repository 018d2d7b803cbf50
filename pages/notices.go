package pages

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Codes of [Error] and [SignIn].Error that are ours; the others are NextAuth's.
const (
	// CodeFormExpired is a form whose CSRF token was not accepted.
	CodeFormExpired = "MissingCSRF"
	// CodeLinkUsed, CodeLinkExpired and CodeLinkBrowser say more exactly than
	// Verification why a link in a mail does not work.
	CodeLinkUsed    = "LinkUsed"
	CodeLinkExpired = "LinkExpired"
	CodeLinkBrowser = "LinkBrowser"
)

// SignOut asks whether to sign out here or everywhere, and says so when nobody
// is signed in.
type SignOut struct {
	Site
	// CSRFToken goes along with the form.
	CSRFToken string
	// CallbackURL is where to go afterwards.
	CallbackURL string
	// CancelURL is where to go instead. Default: HomeURL.
	CancelURL string
	// User is who is signed in; nil: nobody.
	User *User
	// Error is an error code, as in [SignIn].
	Error string
}

func (s SignOut) content(words *catalog) content {
	site := values{"site": value(s.name(words))}
	if s.User == nil {
		c := content{Heading: fill(words.SignedOutHeading, nil)}
		c.add(block{Text: fill(words.SignedOutText, nil)})
		c.add(button(words.SignIn, s.endpoint("signin"), true))
		c.add(s.homeButton(words)...)
		return c
	}
	c := content{Heading: fill(words.SignOutHeading, site)}
	if s.Error != "" {
		c.add(block{Alert: &alert{Text: words.message(s.Error).sentences(site)}})
	}
	c.add(block{Person: personOf(s.User, words.SignedInAs)})
	here := form{
		Action: s.endpoint("signout"),
		Hidden: []hidden{{"csrfToken", s.CSRFToken}, {"callbackUrl", s.CallbackURL}},
		Submit: fill(words.SignOut, nil), Primary: true,
	}
	everywhere := here
	everywhere.Hidden = append(slices.Clip(here.Hidden), hidden{"everywhere", "true"})
	everywhere.Submit, everywhere.Primary = fill(words.SignOutEverywhere, nil), false
	c.add(block{Form: &here}, block{Form: &everywhere})
	c.add(button(words.Cancel, cmp.Or(safeURL(s.CancelURL), safeURL(s.HomeURL), "/"), false))
	return c
}

// Error tells what happened and what to do now.
type Error struct {
	Site
	// Code is an error code in any case. An unknown one is told in general
	// words, never shown.
	Code string
	// SignInURL is where to try again. Default: the sign-in page.
	SignInURL string
}

// statusOf holds the codes that are no 200, in lower case.
var statusOf = map[string]int{
	"configuration":                  http.StatusInternalServerError,
	"accessdenied":                   http.StatusForbidden,
	"verification":                   http.StatusForbidden,
	strings.ToLower(CodeLinkUsed):    http.StatusForbidden,
	strings.ToLower(CodeLinkExpired): http.StatusForbidden,
	strings.ToLower(CodeLinkBrowser): http.StatusForbidden,
}

func (e Error) status() int {
	return cmp.Or(statusOf[strings.ToLower(e.Code)], http.StatusOK)
}

func (e Error) content(words *catalog) content {
	m := words.message(e.Code)
	vals := values{"site": value(e.name(words)), "provider": {Text: words.ChosenService}}
	c := content{Heading: fill(m.Title, vals), Failed: m.Logged}
	c.add(block{Text: m.sentences(vals)})
	c.add(button(cmp.Or(m.Action, words.TryAgain), e.signIn(e.SignInURL), true))
	c.add(e.homeButton(words)...)
	return c
}

// VerifyRequest tells that a sign-in link is in the mail. It says the same
// whether one was sent or not.
type VerifyRequest struct {
	Site
	// Email is the address. Default: not named.
	Email string
	// ExpiresIn is how long the link lives. Default: not told.
	ExpiresIn time.Duration
	// SignInURL is where to give another address. Default: the sign-in page.
	SignInURL string
	// Resend is the form to send it again. Default: none.
	Resend *Resend
}

// Resend is a form that asks for another link to the same address.
type Resend struct {
	// ProviderID is the provider that mails it.
	ProviderID string
	// CSRFToken and CallbackURL go along, as with [SignIn].
	CSRFToken   string
	CallbackURL string
	// Wait is the pause before it may be used. Default: none.
	Wait time.Duration
}

func (v VerifyRequest) content(words *catalog) content {
	c := content{Heading: fill(words.VerifyHeading, nil)}
	sent := fill(words.VerifySent, nil)
	if v.Email != "" {
		sent = fill(words.VerifySentTo, values{"email": strong(v.Email)})
	}
	life := fill(words.VerifyOnce, nil)
	if v.ExpiresIn > 0 {
		life = fill(words.VerifyOnceWithin, values{"time": {Text: words.duration(v.ExpiresIn).Text}})
	}
	c.add(block{Text: sentences(sent, life)})
	c.add(block{Small: fill(words.VerifyMissing, values{"site": value(v.name(words))})})
	if v.Resend != nil && v.Email != "" {
		c.add(block{Form: v.resendForm(words)})
	}
	c.add(button(words.AnotherAddress, v.signIn(v.SignInURL), false))
	return c
}

func (v VerifyRequest) resendForm(words *catalog) *form {
	f := &form{
		Action: v.endpoint("signin", v.Resend.ProviderID),
		Hidden: []hidden{
			{"csrfToken", v.Resend.CSRFToken}, {"callbackUrl", v.Resend.CallbackURL}, {"email", v.Email},
		},
		Submit: fill(words.Resend, nil),
	}
	if v.Resend.Wait > 0 {
		f.Wait = fill(words.ResendIn, values{"time": words.duration(v.Resend.Wait)})
	}
	return f
}

// Confirm finishes a sign-in by link with a button, so that a mail scanner
// that opens the link can't spend it.
type Confirm struct {
	Site
	// ProviderID is the provider that mailed the link.
	ProviderID string
	// Email is the address that it went to. Default: not named.
	Email string
	// Token is the link's.
	Token string
	// CallbackURL is where to go once signed in.
	CallbackURL string
	// CSRFToken goes along where it is set.
	CSRFToken string
}

func (p Confirm) content(words *catalog) content {
	c := content{Heading: fill(words.SignInHeading, values{"site": value(p.name(words))})}
	text := fill(words.ConfirmTextBare, nil)
	if p.Email != "" {
		text = fill(words.ConfirmText, values{"email": strong(p.Email)})
	}
	f := &form{
		Action: p.endpoint("callback", p.ProviderID),
		Hidden: []hidden{{"callbackUrl", p.CallbackURL}, {"token", p.Token}, {"email", p.Email}},
		Submit: fill(words.SignIn, nil), Primary: true,
	}
	if p.CSRFToken != "" {
		f.Hidden = append(f.Hidden, hidden{"csrfToken", p.CSRFToken})
	}
	c.add(block{Text: text}, block{Form: f}, block{Small: fill(words.ConfirmIgnore, nil)})
	return c
}
