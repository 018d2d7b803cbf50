package providertest

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
)

// Part is the decoded text of the part with a media type, its lines ending as
// in Go.
func (m Mail) Part(t testing.TB, mediaType string) string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the mail is %q: %v", kind, err)
	}
	for parts := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			t.Fatalf("the mail has no part %s:\n%s", mediaType, m.Raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); got != mediaType {
			continue
		}
		if coding := part.Header.Get("Content-Transfer-Encoding"); coding != "quoted-printable" {
			t.Fatalf("part %s is coded as %q", mediaType, coding)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

// Subject is the decoded subject.
func (m Mail) Subject(t testing.TB) string {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return subject
}
