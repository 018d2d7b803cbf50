package pages

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// forms are the providers' forms in the order they are shown: buttons, then
// what asks for something. The script puts the button used last first: only
// the visitor's own browser knows which that was.
func (s SignIn) forms(words *catalog, said said) []form {
	providers := slices.Clone(s.Providers)
	slices.SortStableFunc(providers, func(a, b Provider) int { return cmp.Compare(a.rank(), b.rank()) })
	focus, named := s.focus(said), s.named(said)
	forms := make([]form, len(providers))
	for i, p := range providers {
		f := s.form(words, p, s.count(p.Type) > 1)
		for j := range f.Fields {
			f.Fields[j].ID = fmt.Sprintf("field-%d-%d", i+1, j+1)
		}
		if p.ID == named {
			f.setUsername(s.Username)
		}
		if p.ID == said.provider && said.alert != nil {
			f.say(said)
		}
		if p.ID == focus {
			f.focus()
		}
		forms[i] = f
	}
	return forms
}

func (p Provider) rank() int {
	if p.asks() {
		return 1
	}
	return 0
}

// asks tells a form that asks for something from a mere button.
func (p Provider) asks() bool { return p.Type == TypeEmail || p.Type == TypeCredentials }

func (p Provider) label() string { return cmp.Or(p.Name, p.ID) }

func (s SignIn) count(kind string) int {
	n := 0
	for _, p := range s.Providers {
		if p.Type == kind {
			n++
		}
	}
	return n
}

// named is the credentials form that keeps the user name.
func (s SignIn) named(said said) string {
	for _, p := range s.Providers {
		if p.Type == TypeCredentials && (said.provider == "" || said.provider == p.ID) {
			return p.ID
		}
	}
	return ""
}

// focus is the form to type into at once: the one that failed, the one with
// the user name kept, or the only one there is.
func (s SignIn) focus(said said) string {
	switch {
	case said.provider != "":
		return said.provider
	case s.Username != "":
		return s.named(said)
	case len(s.Providers) == 1 && s.User == nil:
		return s.Providers[0].ID
	}
	return ""
}

// form is what the protocol wants of each type; ambiguous says that another
// provider has the same type, so that its button needs the provider's name.
func (s SignIn) form(words *catalog, p Provider, ambiguous bool) form {
	provider := values{"provider": value(p.label())}
	f := form{
		Action:  s.endpoint("signin", p.ID),
		Label:   p.label(),
		Primary: p.asks(),
		Hidden:  []hidden{{"csrfToken", s.CSRFToken}, {"callbackUrl", s.CallbackURL}},
	}
	switch p.Type {
	case TypeEmail:
		f.Submit = fill(words.EmailSubmit, nil)
		f.Fields = []field{newField(words, Field{Name: "email", Label: words.EmailLabel, Type: "email"}, true)}
		f.Fields[0].Value = s.Email
	case TypeCredentials:
		f.Action = s.endpoint("callback", p.ID)
		f.Submit = fill(words.SignIn, nil)
		for i, declared := range p.Fields {
			f.Fields = append(f.Fields, newField(words, declared, i == 0))
		}
	default:
		f.Label = ""
		f.Mark = markOf(p.Preset, p.label())
		f.Submit = fill(words.ContinueWith, provider)
		f.LastUsed = words.LastUsed
	}
	if p.asks() && ambiguous {
		f.Title = text{value(p.label())}
		f.Submit = fill(words.SignInWith, provider)
	}
	return f
}

// newField gives a declared field its defaults.
func newField(words *catalog, declared Field, first bool) field {
	f := field{Field: declared}
	f.Label = cmp.Or(f.Label, f.Name)
	switch f.Type {
	case "password":
		f.Autocomplete = cmp.Or(f.Autocomplete, "current-password")
		f.Words = passwordWords(words)
	case "email":
		f.Autocomplete = cmp.Or(f.Autocomplete, "email")
	default:
		f.Type = "text"
		if first {
			f.Autocomplete = cmp.Or(f.Autocomplete, "username")
		}
	}
	return f
}

// passwordWords is what the script says beside a password.
func passwordWords(words *catalog) string {
	said, err := json.Marshal(map[string]string{
		"show": words.Show, "showName": words.ShowPassword,
		"hide": words.Hide, "hideName": words.HidePassword,
		"caps": words.CapsLock,
	})
	if err != nil {
		panic(err) // a map of strings has a JSON form
	}
	return string(said)
}

// setUsername keeps the user name in the first field that is no password.
func (f *form) setUsername(name string) {
	for i := range f.Fields {
		if f.Fields[i].Type != "password" {
			f.Fields[i].Value = name
			return
		}
	}
}

// say puts the message into the form and ties its fields to it.
func (f *form) say(said said) {
	f.Alert = said.alert
	for i := range f.Fields {
		f.Fields[i].Described = true
		f.Fields[i].Invalid = said.fields
	}
}

// focus is on the first empty field, else the last.
func (f *form) focus() {
	if len(f.Fields) == 0 {
		return
	}
	empty := slices.IndexFunc(f.Fields, func(in field) bool { return in.Value == "" })
	if empty < 0 {
		empty = len(f.Fields) - 1
	}
	f.Fields[empty].Autofocus = true
}
