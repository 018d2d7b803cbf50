package email

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

const mailKey = "re_secret-key"

// What each service wants, as its vendor and the providers of @auth/core have
// it: where, who asks, and which values stand where in the body.
var wantedByServices = map[string]struct {
	options        config
	endpoint       string
	header, prefix string
	user, password string // of basic authentication
	body           map[string]any
}{
	"resend": {
		endpoint: "https://api.resend.com/emails", header: "Authorization", prefix: "Bearer ",
		body: map[string]any{
			"from": `"Example" <no-reply@example.com>`, "to": []any{"zoe@mail.example.com"},
			"subject": "SUBJECT", "text": "TEXT", "html": "HTML",
		},
	},
	"sendgrid": {
		endpoint: "https://api.sendgrid.com/v3/mail/send", header: "Authorization", prefix: "Bearer ",
		body: map[string]any{
			"personalizations": []any{map[string]any{"to": []any{map[string]any{"email": "zoe@mail.example.com"}}}},
			"from":             map[string]any{"email": "no-reply@example.com", "name": "Example"},
			"subject":          "SUBJECT",
			"content": []any{
				map[string]any{"type": "text/plain", "value": "TEXT"}, map[string]any{"type": "text/html", "value": "HTML"},
			},
			"tracking_settings": map[string]any{
				"click_tracking": map[string]any{"enable": false, "enable_text": false}, "open_tracking": map[string]any{"enable": false},
			},
		},
	},
	"postmark": {
		endpoint: "https://api.postmarkapp.com/email", header: "X-Postmark-Server-Token",
		body: map[string]any{
			"From": `"Example" <no-reply@example.com>`, "To": "zoe@mail.example.com", "Subject": "SUBJECT",
			"TextBody": "TEXT", "HtmlBody": "HTML", "MessageStream": "outbound", "TrackOpens": false, "TrackLinks": "None",
		},
	},
	"mailgun": {
		options: config{"region": "eu"}, endpoint: "https://api.eu.mailgun.net/v3/example.com/messages", user: "api", password: mailKey,
		body: map[string]any{
			"from": `"Example" <no-reply@example.com>`, "to": "zoe@mail.example.com", "subject": "SUBJECT",
			"text": "TEXT", "html": "HTML", "o:tracking": "no",
		},
	},
	"loops": {
		options: config{"transactional_id": "cm-1"}, endpoint: "https://app.loops.so/api/v1/transactional", header: "Authorization", prefix: "Bearer ",
		body: map[string]any{"transactionalId": "cm-1", "email": "zoe@mail.example.com", "dataVariables": map[string]any{"url": "URL"}},
	},
	"forwardemail": {
		endpoint: "https://api.forwardemail.net/v1/emails", user: mailKey,
		body: map[string]any{
			"from": `"Example" <no-reply@example.com>`, "to": "zoe@mail.example.com", "subject": "SUBJECT", "text": "TEXT", "html": "HTML",
		},
	},
}

// apiConfig is an email provider by a service, at an endpoint.
func apiConfig(service, endpoint string, options config) config {
	return config{"from": "Example <no-reply@example.com>", "api": config{
		"service": service, "key": "{env.MAIL_KEY}", "endpoint": endpoint, "options": options,
	}}
}

// filledIn is what a mail with the sample link has in the place of a name.
func filledIn(t *testing.T, e *Provider, body map[string]any) map[string]any {
	t.Helper()
	message, err := e.letter.write(sampleLink)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	filled := string(raw)
	for name, text := range map[string]string{"SUBJECT": message.Subject, "TEXT": message.Text, "HTML": message.HTML, "URL": sampleLink.URL} {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		filled = strings.ReplaceAll(filled, `"`+name+`"`, string(quoted))
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(filled), &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// received is a request as a service gets it.
type received struct {
	*http.Request
	body string
}

func (r received) fields(t *testing.T) map[string]any {
	t.Helper()
	var fields map[string]any
	if r.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal([]byte(r.body), &fields); err != nil {
			t.Fatal(err)
		}
		return fields
	}
	form, err := url.ParseQuery(r.body)
	if err != nil {
		t.Fatal(err)
	}
	fields = make(map[string]any)
	for name := range form {
		fields[name] = form.Get(name)
	}
	return fields
}

// fakeService answers POSTs with a status, and keeps them.
func fakeService(t *testing.T, status int) (endpoint string, posts *[]received) {
	t.Helper()
	posts = new([]received)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method == http.MethodPost {
			*posts = append(*posts, received{r, string(body)})
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"message":"words of the provider about `+sampleLink.URL+`"}`)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/send", posts
}

func TestMailServices(t *testing.T) {
	t.Setenv("MAIL_KEY", mailKey)
	if len(wantedByServices) != len(services) {
		t.Errorf("%d services are tested of %d", len(wantedByServices), len(services))
	}
	for name, want := range wantedByServices {
		t.Run(name, func(t *testing.T) {
			own := loadEmail(t, apiConfig(name, "", want.options))
			if sender := own.sender.(*apiSender); sender.endpoint != want.endpoint || own.Info().ID != name || own.Info().Type != providers.TypeEmail {
				t.Errorf("provider %+v sends to %s", own.Info(), sender.endpoint)
			}
			endpoint, posts := fakeService(t, http.StatusAccepted)
			e := loadEmail(t, apiConfig(name, endpoint, want.options))
			if err := e.mail(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(*posts) != 1 {
				t.Fatalf("the service got %d mails", len(*posts))
			}
			got := (*posts)[0]
			user, password, _ := got.BasicAuth()
			if user != want.user || password != want.password || want.header != "" && got.Header.Get(want.header) != want.prefix+mailKey {
				t.Errorf("authenticated by %v", got.Header)
			}
			if fields, want := got.fields(t), filledIn(t, e, want.body); !reflect.DeepEqual(fields, want) {
				t.Errorf("it got\n%v\nwant\n%v", fields, want)
			}
		})
	}
}

func TestMailServiceWithAnswersElsewhere(t *testing.T) {
	t.Setenv("MAIL_KEY", mailKey)
	for service, want := range map[string]any{"resend": "help@example.com", "sendgrid": map[string]any{"email": "help@example.com"}} {
		endpoint, posts := fakeService(t, http.StatusOK)
		if err := loadEmail(t, apiConfig(service, endpoint, nil).With(config{"reply_to": "help@example.com"})).mail(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := (*posts)[0].fields(t)["reply_to"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: answers go to %v", service, got)
		}
	}
}

// A redirect is not followed, and an error holds neither
// the key nor what the service wrote, which may be the mail.
func TestMailServiceThatRefuses(t *testing.T) {
	t.Setenv("MAIL_KEY", mailKey)
	for status, want := range map[int]string{
		http.StatusUnauthorized: "check key", http.StatusUnprocessableEntity: "the address in from",
		http.StatusTemporaryRedirect: "redirects are not followed", http.StatusTooManyRequests: "limit is reached",
		http.StatusBadGateway: "the service fails",
	} {
		endpoint, posts := fakeService(t, status)
		err := loadEmail(t, apiConfig("resend", endpoint, nil)).mail(t.Context())
		providertest.MustFail(t, err, want)
		if strings.Contains(err.Error(), mailKey) || strings.Contains(err.Error(), sampleLink.URL) || len(*posts) != 1 {
			t.Errorf("%d: %v after %d posts", status, err, len(*posts))
		}
	}
}

// What can be told of a service is told before anything depends
// on the address, and costs the same for all of them.
func TestMailServiceThatIsDownIsToldWhateverTheAddress(t *testing.T) {
	t.Setenv("MAIL_KEY", mailKey)
	e := loadEmail(t, apiConfig("resend", providertest.ClosedPort()+"/emails", nil))
	_, err := e.Offer(t.Context(), "zoe@mail.example.com")
	providertest.MustFail(t, err, "nothing listens there")
	endpoint, posts := fakeService(t, http.StatusOK)
	offer, err := loadEmail(t, apiConfig("resend", endpoint, nil)).Offer(t.Context(), "zoe@mail.example.com")
	if err != nil {
		t.Fatal(err)
	}
	offer.Withdraw()
	if len(*posts) != 0 {
		t.Errorf("a mail that was withdrawn arrived: %v", *posts)
	}
}

func TestMistakesWithMailServices(t *testing.T) {
	t.Setenv("MAIL_KEY", mailKey)
	t.Setenv("CUT_KEY", "two words")
	for name, test := range map[string]struct {
		change config
		want   string
	}{
		"an unknown service":  {config{"service": "resned"}, "did you mean resend?"},
		"no key":              {config{"key": ""}, "key is missing"},
		"a key with a space":  {config{"key": "{env.CUT_KEY}"}, "is it cut off"},
		"plain http":          {config{"endpoint": "http://mail.example.com/send"}, "must be an https URL"},
		"another's option":    {config{"options": config{"region": "eu"}}, `Resend has no option "region"`},
		"an unknown region":   {config{"service": "mailgun", "options": config{"region": "mars"}}, "must be one of eu, us"},
		"a path as domain":    {config{"service": "mailgun", "options": config{"domain": "a/b"}}, "domain must be letters"},
		"no transactional id": {config{"service": "loops"}, "transactional_id is missing"},
	} {
		c := apiConfig("resend", "", nil)
		maps.Copy(c["api"].(config), test.change)
		_, err := providertest.Load(t, "email", c)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), mailKey) || strings.Contains(err.Error(), "two words") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := providertest.Load(t, "email", apiConfig("resend", "", nil).With(config{"smtp": config{"server": "localhost", "tls": "off"}}))
	providertest.MustFail(t, err, "can't be combined")
}

// Whatever a mail holds, it stays in its place: no further recipient or field,
// and no name in braces is filled in twice.
func FuzzMailServiceBody(f *testing.F) {
	f.Add("Sign in to app.example.com", `"}],"bcc":"eve@evil.example"`)
	f.Add("{key}", "{to}&to=eve@evil.example")
	f.Add("{to} {url} {text} {from}", "{subject}")
	f.Fuzz(func(t *testing.T, subject, text string) {
		for name, row := range services {
			message := Message{To: "zoe@mail.example.com", Subject: strings.ToValidUTF8(subject, ""), Text: strings.ToValidUTF8(text, ""), HTML: "x", URL: "u"}
			body, kind, err := row.body(texts{"transactional_id": "t", "message_stream": "s"}.and(textsOf(message)))
			if err != nil {
				t.Fatal(err)
			}
			got := received{&http.Request{Header: http.Header{"Content-Type": {kind}}}, string(body)}.fields(t)
			for field, value := range got {
				_, inJSON := row.json[field]
				_, inForm := row.form[field]
				if !inJSON && !inForm {
					t.Errorf("%s: a foreign field %s", name, field)
				}
				if strings.EqualFold(field, "subject") && value != message.Subject {
					t.Errorf("%s: the subject is %q, not %q", name, value, message.Subject)
				}
			}
		}
	})
}
