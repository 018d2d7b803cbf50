package pages

import (
	"cmp"
	"html/template"
	"net/url"
	"strings"
)

// view is what the templates draw. Every decision is taken before, so they
// hold nothing but loops.
type view struct {
	content
	Lang, Dir string
	Title     string
	Style     template.CSS
	Script    string // empty on pages without a form: they have nothing to enhance
	Logo      string
	Reference *labelled
}

// content is what tells one page from another: its heading and its blocks, in
// the order they are read.
type content struct {
	Heading text
	Blocks  []block
	// Failed says that the log knows more: the reference is shown.
	Failed bool
	// Framed lets the page stand in a frame of its own site.
	Framed bool
	// Footer is the way out, below the card.
	Footer *link
}

// block is one of its fields.
type block struct {
	Alert  *alert
	Text   text
	Small  text
	Person *person
	Form   *form
	Link   *link
	Or     string
}

// alert is the one message of a page, at the form it belongs to.
type alert struct {
	Text text
	Done string // what it says once the countdown in it is over
	Note bool   // no failure
}

type person struct {
	Label, Name, Email string
	SignOut            *link
}

type labelled struct{ Label, Value string }

type link struct {
	Label   text
	Href    string
	Primary bool
	Top     bool // leaves the frame
}

type form struct {
	Action   string
	Label    string // the form's name where it has fields
	Title    text   // that name shown above them, where several forms are alike
	Alert    *alert
	Hidden   []hidden
	Fields   []field
	Mark     *mark // on a provider's button
	Submit   text
	LastUsed string // what the script says on the button used last
	// Primary is the button that the page, or its part, is about.
	Primary bool
	Wait    text // how long the button has to wait, counted down
}

type hidden struct{ Name, Value string }

type field struct {
	Field
	ID        string
	Value     string
	Words     string // JSON: what the script says beside a password
	Autofocus bool
	Invalid   bool
	Described bool // by the page's alert
}

// viewOf puts a page's content into its frame.
func viewOf(page Page) view {
	site := page.site()
	words := wordsFor(site.Lang)
	v := view{
		content: page.content(words),
		Lang:    words.Lang,
		Dir:     words.Dir,
		Style:   style,
		Logo:    site.logo(),
	}
	v.Title = v.Heading.String()
	if name := site.name(words); !strings.Contains(v.Title, name) {
		v.Title += " · " + name
	}
	if v.hasForm() {
		v.Script = scriptURL(site.BaseURL)
	}
	if v.Failed && site.Reference != "" {
		v.Reference = &labelled{words.Reference, site.Reference}
	}
	return v
}

func (c content) hasForm() bool {
	for _, b := range c.Blocks {
		if b.Form != nil {
			return true
		}
	}
	return false
}

// scriptURL is a path, so that the script comes from 'self' on every host that
// the endpoints answer on.
func scriptURL(base string) string {
	path := ""
	if u, err := url.Parse(base); err == nil {
		path = strings.Trim(u.EscapedPath(), "/") + "/"
	}
	return "/" + strings.TrimPrefix(path, "/") + "pages.js?v=" + scriptVersion
}

func (c *content) add(blocks ...block) { c.Blocks = append(c.Blocks, blocks...) }

// button is a link in the shape of a button. Its address is a safe one.
func button(label, href string, primary bool) block {
	return block{Link: &link{Label: fill(label, nil), Href: href, Primary: primary}}
}

// home is the way out of a page, absent where the site names none.
func (s Site) home(words *catalog) *link {
	href := safeURL(s.HomeURL)
	if href == "" {
		return nil
	}
	return &link{Label: fill(words.BackTo, values{"site": value(s.name(words))}), Href: href}
}

func (s Site) homeButton(words *catalog) []block {
	if home := s.home(words); home != nil {
		return []block{{Link: home}}
	}
	return nil
}

// signIn is the URL of the sign-in page, unless the host names another.
func (s Site) signIn(given string) string {
	return cmp.Or(safeURL(given), s.endpoint("signin"))
}

// personOf names who is signed in by what is known, nil when nothing is.
func personOf(user *User, label string) *person {
	switch {
	case user.Name == "" && user.Email == "":
		return nil
	case user.Name == "":
		return &person{Label: label, Name: user.Email}
	}
	return &person{Label: label, Name: user.Name, Email: user.Email}
}

// sentences says one after the other.
func sentences(all ...text) text {
	var out text
	for _, t := range all {
		if len(out) > 0 && len(t) > 0 {
			out = append(out, part{Text: " "})
		}
		out = append(out, t...)
	}
	return out
}

// sentences is what happened and what to do now.
func (m message) sentences(vals values) text {
	return sentences(fill(m.Text, vals), fill(m.Remedy, vals))
}
