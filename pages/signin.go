package pages

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// The types of a [Provider].
const (
	TypeOAuth       = "oauth"
	TypeEmail       = "email"
	TypeCredentials = "credentials"
)

// SignIn is the page with one form per provider: buttons first, then the forms
// that ask for something.
type SignIn struct {
	Site
	// CSRFToken goes along with every form.
	CSRFToken string
	// CallbackURL is where to go once signed in.
	CallbackURL string
	// Providers are the ways to sign in, in order.
	Providers []Provider
	// Error is an error code in any case (?error=), or empty. An unknown code
	// is told in general words, never shown.
	Error string
	// ErrorProvider is the provider whose form the message belongs to. Default:
	// the one provider of the type that the code speaks of, else the whole page.
	ErrorProvider string
	// RetryAfter is how long a throttled visitor has to wait: the message then
	// says so, whatever Error is. Default: not throttled.
	RetryAfter time.Duration
	// Username and Email are what was typed before.
	Username string
	Email    string
	// User is who is signed in already, and may go on as that. Leave it nil
	// where the return address asks for a fresh sign-in.
	User *User
}

// Provider is one way to sign in, as the page shows it.
type Provider struct {
	// ID is what the endpoints know it by.
	ID string
	// Name is what people call it. Default: ID.
	Name string
	// Type is oauth (a button), email or credentials (a form).
	Type string
	// Preset picks the mark on the button. Default: the name's first letter.
	Preset string
	// Fields are what a credentials form asks for, in this order.
	Fields []Field
}

// Field is one input of a credentials form.
type Field struct {
	// Name is the input's name in the form.
	Name string
	// Label is what people read. Default: Name.
	Label string
	// Type is text, password or email. Default, and for others: text.
	Type string
	// Autocomplete is the HTML autofill token. Default: by type and place
	// (username, current-password, email).
	Autocomplete string
	// Optional fields may be left empty.
	Optional bool
}

func (s SignIn) status() int {
	if s.RetryAfter > 0 {
		return http.StatusTooManyRequests
	}
	return http.StatusOK
}

func (s SignIn) retryAfter() time.Duration { return s.RetryAfter }

func (s SignIn) content(words *catalog) content {
	site := value(s.name(words))
	c := content{Heading: fill(words.SignInHeading, values{"site": site}), Footer: s.home(words)}
	said := s.message(words)
	c.Failed = said.logged
	if said.alert != nil && said.provider == "" {
		c.add(block{Alert: said.alert})
	}
	if s.User != nil {
		c.Heading = fill(words.SignedInHeading, values{"site": site})
		c.add(s.goOn(words)...)
	}
	forms := s.forms(words, said)
	if len(forms) == 0 && s.User == nil {
		c.add(block{Text: fill(words.NoProviders, nil)})
	}
	for i := range forms {
		if i > 0 && forms[i].Mark == nil {
			c.add(block{Or: words.Or})
		}
		c.add(block{Form: &forms[i]})
	}
	return c
}

// goOn is the way on for someone who is signed in already.
func (s SignIn) goOn(words *catalog) []block {
	label := fill(words.Continue, nil)
	if who := cmp.Or(s.User.Name, s.User.Email); who != "" {
		label = fill(words.ContinueAs, values{"user": value(who)})
	}
	next := cmp.Or(safeURL(s.CallbackURL), safeURL(s.HomeURL), "/")
	blocks := []block{
		{Person: personOf(s.User, "")},
		{Link: &link{Label: label, Href: next, Primary: true}},
	}
	if len(s.Providers) > 0 {
		blocks = append(blocks, block{Or: words.OrAnotherAccount})
	}
	return blocks
}

// said is what the page has to say, and the provider whose form says it.
type said struct {
	alert    *alert
	provider string // empty: the whole page
	fields   bool   // what was typed is at fault
	logged   bool
}

func (s SignIn) message(words *catalog) said {
	if s.RetryAfter > 0 {
		when := fill(words.TryAgainIn, values{"time": words.duration(s.RetryAfter)})
		what := fill(words.message("throttled").Text, nil)
		return said{
			alert:    &alert{Text: sentences(what, when), Done: words.TryNow},
			provider: s.formOf(TypeEmail, TypeCredentials),
		}
	}
	if s.Error == "" {
		return said{}
	}
	m := words.message(s.Error)
	at := s.formOf(m.Form)
	vals := values{"site": value(s.name(words)), "provider": {Text: words.ChosenService}}
	for _, p := range s.Providers {
		if p.ID == s.ErrorProvider {
			vals["provider"] = strong(p.label())
		}
	}
	return said{
		alert:    &alert{Text: m.sentences(vals), Note: m.Note},
		provider: at,
		fields:   m.Form != "",
		logged:   m.Logged,
	}
}

// formOf is the id of the provider whose form a message belongs to: the one
// named, else the only one of these types.
func (s SignIn) formOf(types ...string) string {
	var only []string
	for _, p := range s.Providers {
		if p.ID == s.ErrorProvider {
			return p.ID
		}
		if p.asks() && slices.Contains(types, p.Type) {
			only = append(only, p.ID)
		}
	}
	if len(only) == 1 {
		return only[0]
	}
	return ""
}
