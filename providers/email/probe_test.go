package email

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// The mail server hears who the mails will be from, and nothing of a recipient.
func TestProbeOfMail(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{
		"":                       "",
		providertest.StepGreet:   "being greeted",
		providertest.StepSender:  "naming the sender",
		providertest.StepMessage: "",
	} {
		server := providertest.NewMailServer(t, providertest.MailOptions{})
		server.Fail(step, providertest.Fault{Err: errors.New("not today")})
		looked, err := providertest.Probe(t, loadEmail(t, mailConfig(server, nil)))
		if looked != "mail from no-reply@example.com" {
			t.Error(looked)
		}
		if want != "" {
			providertest.MustFail(t, err, want)
		} else if err != nil {
			t.Error(err)
		}
		if said := server.Said(); strings.Contains(said, "RCPT") || want == "" && !strings.Contains(said, "MAIL FROM:<no-reply@example.com>") {
			t.Error(said)
		}
	}
}
