package pages_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/pages"
	"github.com/caddy-signin/caddy-signin/pages/pagestest"
)

var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`'><svg onload=alert(1)>`,
	`</title></style></main><form action=https://evil.example>`,
	`javascript:alert(1)`,
	` javascript:alert(1)`,
	"java\tscript:alert(1)",
	`data:text/html,<script>alert(1)</script>`,
	`vbscript:x`,
	`//evil.example`,
	`/\evil.example`,
	`https:evil`,
	`{{.}}{site}{provider}{{template "page"}}`,
	"\x00\xff\xfe\r\n\u2028\u202e",
	`&quot;&#34;><b>`,
	"`${alert(1)}`",
}

// structural are the fields whose value decides what is drawn, rather than
// being drawn: addresses, and names of things.
func structural(name string) bool {
	return strings.HasSuffix(name, "URL") || slices.Contains(
		[]string{"Logo", "Type", "Preset", "Error", "ErrorProvider", "Code", "ID", "Lang"}, name)
}

// infect returns a copy of the page with every string that is chosen and not
// empty replaced.
func infect(page pages.Page, with string, chosen func(field string) bool) pages.Page {
	dirty := deepCopy(reflect.ValueOf(page))
	var walk func(v reflect.Value, name string)
	walk = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.String:
			if v.Len() > 0 && chosen(name) {
				v.SetString(with)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), v.Type().Field(i).Name)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), name)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), name)
			}
		}
	}
	walk(dirty, "")
	return dirty.Interface().(pages.Page)
}

func deepCopy(v reflect.Value) reflect.Value {
	fresh := reflect.New(v.Type()).Elem()
	fresh.Set(v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fresh.Field(i).Set(deepCopy(v.Field(i)))
		}
	case reflect.Slice:
		fresh.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			fresh.Index(i).Set(deepCopy(v.Index(i)))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fresh.Set(reflect.New(v.Type().Elem()))
			fresh.Elem().Set(deepCopy(v.Elem()))
		}
	}
	return fresh
}

// checkInfected fails when a value changed more of a page than its words.
func checkInfected(t testing.TB, state pagestest.State, value string, vocabulary map[string]bool) {
	t.Helper()
	clean, _ := draw(t, state.Page)
	words, _ := draw(t, infect(state.Page, value, func(name string) bool { return !structural(name) }))
	if words.skeleton() != clean.skeleton() {
		t.Errorf("%s: %q as a word changed the page to\n%s", state.Name, value, words.skeleton())
	}
	checkAddresses(t, words)
	all, _ := draw(t, infect(state.Page, value, func(string) bool { return true }))
	checkAddresses(t, all)
	for line := range strings.Lines(all.skeleton()) {
		for _, word := range tagAndAttributes(line) {
			if !vocabulary[word] {
				t.Errorf("%s: %q brought %s", state.Name, value, word)
			}
		}
	}
}

// tagsInUse are the tags, and their attributes, that pages are made of.
func tagsInUse(t testing.TB) map[string]bool {
	vocabulary := make(map[string]bool)
	for _, state := range pagestest.States() {
		page, _ := draw(t, state.Page)
		for line := range strings.Lines(page.skeleton()) {
			for _, word := range tagAndAttributes(line) {
				vocabulary[word] = true
			}
		}
	}
	return vocabulary
}

func tagAndAttributes(line string) []string {
	words := strings.Fields(line)
	for i := 1; i < len(words); i++ {
		words[i] = words[0] + " " + words[i]
	}
	return words
}

func TestHostileValuesStayWords(t *testing.T) {
	vocabulary := tagsInUse(t)
	for _, state := range pagestest.States() {
		for _, value := range hostile {
			checkInfected(t, state, value, vocabulary)
		}
	}
}

func TestHostileValuesAreShownAsTheyAre(t *testing.T) {
	name := `<script>alert("&amp;")</script>`
	page, body := draw(t, pages.SignIn{
		Site: pages.Site{Name: name, BaseURL: endpoints}, CallbackURL: name, Username: name,
		Providers: []pages.Provider{{ID: "x", Name: name}, password},
	})
	if strings.Contains(string(body), "<script>alert") {
		t.Error("a script got through")
	}
	if got := page.all("h1")[0].text(); got != "Sign in to "+name {
		t.Errorf("heading %q", got)
	}
	if got := page.input(t, "callbackUrl").get("value"); got != name {
		t.Errorf("callbackUrl %q", got)
	}
	if got := page.input(t, "username").get("value"); got != name {
		t.Errorf("user name %q", got)
	}
}

func FuzzPages(f *testing.F) {
	for i, value := range hostile {
		f.Add(value, uint8(i))
	}
	vocabulary := tagsInUse(f)
	states := pagestest.States()
	f.Fuzz(func(t *testing.T, value string, state uint8) {
		if value == "" {
			return // what is empty is left out
		}
		checkInfected(t, states[int(state)%len(states)], value, vocabulary)
	})
}
