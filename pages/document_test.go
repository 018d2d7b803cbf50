package pages_test

import (
	"bytes"
	"iter"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/caddy-signin/caddy-signin/pages"
)

// document is a page as a browser reads it.
type document struct{ *html.Node }

func draw(t testing.TB, page pages.Page) (document, []byte) {
	t.Helper()
	var body bytes.Buffer
	if err := pages.Write(&body, page); err != nil {
		t.Fatal(err)
	}
	return parse(t, body.Bytes()), body.Bytes()
}

func parse(t testing.TB, body []byte) document {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return document{root}
}

// elements are all elements below this one, or those of the given names.
func (d document) elements(names ...string) iter.Seq[document] {
	return func(yield func(document) bool) {
		for node := range d.Descendants() {
			if node.Type != html.ElementNode || (len(names) > 0 && !slices.Contains(names, node.Data)) {
				continue
			}
			if !yield(document{node}) {
				return
			}
		}
	}
}

func (d document) all(names ...string) []document { return slices.Collect(d.elements(names...)) }

// where keeps the elements whose attribute has the value.
func (d document) where(key, val string) []document {
	var found []document
	for e := range d.elements() {
		if got, ok := e.attr(key); ok && got == val {
			found = append(found, e)
		}
	}
	return found
}

func (d document) attr(key string) (string, bool) {
	for _, a := range d.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func (d document) get(key string) string {
	val, _ := d.attr(key)
	return val
}

func (d document) has(key string) bool {
	_, ok := d.attr(key)
	return ok
}

func (d document) hasClass(name string) bool {
	return slices.Contains(strings.Fields(d.get("class")), name)
}

// text is what the element says, with single spaces.
func (d document) text() string {
	var b strings.Builder
	for node := range d.Descendants() {
		if node.Type == html.TextNode {
			b.WriteString(node.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// skeleton is the page without its words: every tag with its attributes' names.
func (d document) skeleton() string {
	var b strings.Builder
	for e := range d.elements() {
		b.WriteString(e.Data)
		for _, a := range e.Attr {
			b.WriteString(" " + a.Key)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// form is the form with this action.
func (d document) form(t *testing.T, action string) document {
	t.Helper()
	for form := range d.elements("form") {
		if form.get("action") == action {
			return form
		}
	}
	t.Fatalf("no form posts to %s", action)
	return document{}
}

// inputs are the names and values that the form sends.
func (d document) inputs() [][2]string {
	var sent [][2]string
	for in := range d.elements("input") {
		sent = append(sent, [2]string{in.get("name"), in.get("value")})
	}
	return sent
}

// input is the field with this name.
func (d document) input(t *testing.T, name string) document {
	t.Helper()
	for in := range d.elements("input") {
		if in.get("name") == name {
			return in
		}
	}
	t.Fatalf("no field is called %s", name)
	return document{}
}

// link is the address behind these words, empty when there is no such link.
func (d document) link(words string) string {
	for a := range d.elements("a") {
		if a.text() == words {
			return a.get("href")
		}
	}
	return ""
}
