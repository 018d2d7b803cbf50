package email

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/probe"
)

// apiSender is a [API] at work.
type apiSender struct {
	row      service
	key      string
	fixed    texts
	endpoint string
	client   *http.Client
}

// apiTransaction is a service that answered.
type apiTransaction struct{ sender *apiSender }

// Begin implements [Sender]. A service can't be asked about an address, so that
// it is asked whether it is there, whatever the address.
func (s *apiSender) Begin(ctx context.Context, _, _ string) (Transaction, error) {
	for _, finding := range s.Probe(ctx, "") {
		if finding.Err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.row.name, finding.What, finding.Err)
		}
	}
	return &apiTransaction{s}, nil
}

// Probe implements [Sender].
func (s *apiSender) Probe(ctx context.Context, _ string) []providers.Finding {
	return probe.Reach(ctx, s.client, s.endpoint)
}

// Abort implements [Transaction].
func (*apiTransaction) Abort() {}

// Send implements [Transaction].
func (t *apiTransaction) Send(ctx context.Context, message Message) error {
	s := t.sender
	body, kind, err := s.row.body(s.fixed.and(textsOf(message)))
	if err != nil {
		return fmt.Errorf("writing a mail for %s: %w", s.row.name, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("handing a mail to %s: %w", s.row.name, outgoing.WithoutURL(err))
	}
	req.Header.Set("Content-Type", kind)
	secret := texts{"key": s.key}
	for name, text := range s.row.header {
		req.Header.Set(name, secret.fill(text))
	}
	if s.row.basic != "" {
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(secret.fill(s.row.basic))))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("handing a mail to %s: %w", s.row.name, probe.Advised(outgoing.WithoutURL(err)))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, outgoing.MaxAnswer)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("handing a mail to %s: it answered with status %d (%s)", s.row.name, resp.StatusCode, statusRemedy(resp.StatusCode))
	}
	return nil
}

// statusRemedy says what to do about a refusal. What the service wrote isn't
// shown: it may repeat the mail, and the link in it.
func statusRemedy(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "check key, and whether it may send as the address in from"
	case status == http.StatusTooManyRequests:
		return "the account's limit is reached"
	case status >= 300 && status < 400:
		return "redirects are not followed: check endpoint"
	case status >= 500:
		return "the service fails; the person gets no mail and can ask again"
	}
	return "the service's own log says why: often the address in from is not one that the account may use"
}

// textsOf are the values of the names that stand in a row's body.
func textsOf(m Message) texts {
	values := texts{
		"from_address": m.From.Address, "from_name": m.From.Name, "from": mailbox(m.From),
		"reply_to": "", "reply_to_address": "", "reply_to_name": "",
		"to": m.To, "subject": m.Subject, "text": m.Text, "html": m.HTML, "url": m.URL,
	}
	if m.ReplyTo != nil {
		values["reply_to_address"], values["reply_to_name"], values["reply_to"] = m.ReplyTo.Address, m.ReplyTo.Name, mailbox(*m.ReplyTo)
	}
	return values
}

func mailbox(address mail.Address) string {
	if address.Name == "" {
		return address.Address
	}
	return address.String()
}

// texts are the values of the names that a row's texts hold in braces.
type texts map[string]string

// fill replaces the names that t knows; other braces stay.
func (t texts) fill(text string) string {
	for name, value := range t {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// and returns t with more values.
func (t texts) and(more texts) texts {
	maps.Copy(more, t)
	return more
}

// body fills the row's body in. Each text is either one name in braces or stands
// for itself, so that no value is looked at for names again.
func (row service) body(values texts) (body []byte, kind string, err error) {
	if row.form != nil {
		form := make(url.Values, len(row.form))
		for name, text := range row.form {
			if value := values.whole(text); value != "" {
				form.Set(name, value)
			}
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	filled, _ := values.wholeIn(row.json)
	body, err = json.Marshal(filled)
	return body, "application/json", err
}

// whole returns what a text stands for.
func (t texts) whole(text string) string {
	if len(text) > 2 && text[0] == '{' && text[len(text)-1] == '}' {
		return t[text[1:len(text)-1]]
	}
	return text
}

// wholeIn fills in every text of a JSON value, and leaves out what comes out
// empty.
func (t texts) wholeIn(value any) (filled any, kept bool) {
	switch value := value.(type) {
	case string:
		text := t.whole(value)
		return text, text != ""
	case []any:
		var list []any
		for _, one := range value {
			if filled, kept := t.wholeIn(one); kept {
				list = append(list, filled)
			}
		}
		return list, len(list) > 0
	case map[string]any:
		object := make(map[string]any, len(value))
		for name, one := range value {
			if filled, kept := t.wholeIn(one); kept {
				object[name] = filled
			}
		}
		return object, len(object) > 0
	}
	return value, true
}

var (
	_ Sender      = (*apiSender)(nil)
	_ Transaction = (*apiTransaction)(nil)
)
