package providers

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io"
	"os"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"
	"unicode/utf8"
)

//go:embed mail/link.html mail/link.txt
var mailFiles embed.FS

// Link is what a mail tells: the fields that its templates have.
type Link struct {
	// Site is the site's name: its host, with a port that is not the default one.
	Site string
	// Address is who the link signs in.
	Address string
	// URL is the link.
	URL string
	// HomeURL is the site's address.
	HomeURL string
	// Requested is when the link was asked for.
	Requested time.Time
	// ClientIP is where from, as Caddy knows it. It may be empty.
	ClientIP string
	// Browser is what with, in a few fixed words such as "Firefox on Linux".
	// It may be empty.
	Browser string
	// Life is how long the link works.
	Life time.Duration
}

// When is Requested as people read it, in UTC.
func (l Link) When() string { return l.Requested.UTC().Format("2 January 2006, 15:04 UTC") }

// Within is Life in words, never more than it is: "30 minutes".
func (l Link) Within() string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int(l.Life / unit.length); n > 0 && (l.Life%unit.length == 0 || n >= 3) {
			if n == 1 {
				return "1 " + unit.name
			}
			return strconv.Itoa(n) + " " + unit.name + "s"
		}
	}
	return "1 second"
}

// MailTemplates are files that replace the parts of the mail.
type MailTemplates struct {
	// A file with the HTML part, as a Go html/template. Default: built in.
	HTML string `json:"html,omitempty"`
	// A file with the plain-text part, as a Go text/template. Default: built in.
	Text string `json:"text,omitempty"`
}

// executor is a template of either kind.
type executor interface {
	Execute(w io.Writer, data any) error
}

// letter is the subject and the parts of a mail before they are filled in.
type letter struct {
	subject, text, html executor
}

// sampleLink is what new templates are tried with, so that a mistake in one is
// told when the configuration is loaded, and not when the first person waits.
var sampleLink = Link{
	Site: "app.example.com", Address: "alice@example.com", HomeURL: "https://app.example.com",
	URL:       "https://app.example.com/api/auth/callback/email?callbackUrl=https%3A%2F%2Fapp.example.com&token=0&email=alice%40example.com",
	Requested: time.Unix(0, 0), ClientIP: "192.0.2.1", Browser: "Firefox on Linux", Life: defaultLinkLife,
}

func newLetter(subject string, files MailTemplates) (*letter, error) {
	htmlPart, err := readTemplate(files.HTML, "mail/link.html")
	if err != nil {
		return nil, fmt.Errorf("templates: html: %w", err)
	}
	textPart, err := readTemplate(files.Text, "mail/link.txt")
	if err != nil {
		return nil, fmt.Errorf("templates: text: %w", err)
	}
	l := new(letter)
	if l.subject, err = texttemplate.New("subject").Parse(subject); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	// A template's name is what its mistakes are told under.
	if l.html, err = htmltemplate.New(cmp.Or(files.HTML, "html")).Parse(htmlPart); err != nil {
		return nil, fmt.Errorf("templates: html: %w", err)
	}
	if l.text, err = texttemplate.New(cmp.Or(files.Text, "text")).Parse(textPart); err != nil {
		return nil, fmt.Errorf("templates: text: %w", err)
	}
	message, err := l.write(sampleLink)
	if err != nil {
		return nil, err
	}
	poor := sampleLink
	poor.ClientIP, poor.Browser = "", ""
	if _, err := l.write(poor); err != nil {
		return nil, fmt.Errorf("where neither .ClientIP nor .Browser is known: %w", err)
	}
	if !strings.Contains(message.Text, sampleLink.URL) {
		return nil, fmt.Errorf("templates: text: the link is missing: write {{.URL}} where it belongs")
	}
	if !strings.Contains(message.HTML, strings.ReplaceAll(sampleLink.URL, "&", "&amp;")) {
		return nil, fmt.Errorf("templates: html: the link is missing: write <a href=\"{{.URL}}\"> where it belongs")
	}
	return l, nil
}

func readTemplate(file, builtIn string) (string, error) {
	read := mailFiles.ReadFile
	if file == "" {
		file = builtIn
	} else {
		read = os.ReadFile
	}
	content, err := read(file)
	if err != nil {
		return "", fmt.Errorf("reading the template: %w", err)
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) {
		return "", fmt.Errorf("%s is not in UTF-8, as the mail is: save it anew in that encoding", file)
	}
	return string(content), nil
}

// maxSubject keeps the subject in one header of a sensible length.
const maxSubject = 200

// write fills the parts in. A subject is one line, whatever its template makes.
func (l *letter) write(link Link) (Message, error) {
	message := Message{URL: link.URL}
	for _, part := range []struct {
		name     string
		template executor
		into     *string
	}{
		{"subject", l.subject, &message.Subject},
		{"text", l.text, &message.Text},
		{"html", l.html, &message.HTML},
	} {
		var out bytes.Buffer
		if err := part.template.Execute(&out, link); err != nil {
			return Message{}, fmt.Errorf("writing the %s of the mail: %w", part.name, err)
		}
		*part.into = out.String()
	}
	message.Subject = strings.Join(strings.FieldsFunc(message.Subject, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(message.Subject) > maxSubject {
		message.Subject = strings.ToValidUTF8(message.Subject[:maxSubject], "")
	}
	return message, nil
}
