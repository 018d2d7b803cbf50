package email

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io"
	"os"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/providers"
)

//go:embed mail/link.html mail/link.txt
var mailFiles embed.FS

// Templates are files that replace the parts of the mail.
type Templates struct {
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
var sampleLink = providers.Link{
	Site: "app.example.com", Address: "alice@example.com", HomeURL: "https://app.example.com",
	URL:       "https://app.example.com/api/auth/callback/email?callbackUrl=https%3A%2F%2Fapp.example.com&token=0&email=alice%40example.com",
	Requested: time.Unix(0, 0), ClientIP: "192.0.2.1", Browser: "Firefox on Linux", Life: defaultLinkLife,
}

func newLetter(subject string, files Templates) (*letter, error) {
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
func (l *letter) write(link providers.Link) (Message, error) {
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
