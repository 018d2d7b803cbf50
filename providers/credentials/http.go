package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/internal/queue"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// HTTPBackend asks an endpoint of the operator's own, as the authorize()
// callback of NextAuth.js asks code. It gets
//
//	POST <url>
//	{"username": "alice", "password": "…"}
//
// and answers with status 200 and the user, or with 401 or 403:
//
//	{"id": "1", "username": "alice", "name": "Alice", "email": "alice@example.com", "image": "…", "groups": ["staff"]}
//	{"error": "AccountLocked"}
//
// Only the id is required; it must never change. The username is the login name
// that upstreams see, and there is none without it: what was typed may be
// spelled differently. The e-mail address counts as verified unless the answer
// says "email_verified": false. An error is one of AccountLocked,
// AccountDisabled, PasswordExpired, CodeRequired, CodeInvalid and AccessDenied;
// anything else, or none, is a wrong password. An answer with status 200 that has
// an error, or success, ok or authenticated that is false, is a refusal too,
// whatever user it holds. Every other status, a redirect, and an answer that isn't
// JSON or has a member twice are a failure of the back end: the visitor is asked
// to come back later.
//
// The endpoint is asked only at sign-in: a session lives on, within its limits,
// when its user is removed there.
type HTTPBackend struct {
	// The endpoint: an https URL, or http on this machine. Placeholders such as
	// {env.LOGIN_URL} are expanded. Default: none, required.
	URL string `json:"url,omitempty"`

	// What the form asks for besides username and password. The fields are sent
	// along, empty ones too. Default: none.
	Fields []providers.Field `json:"fields,omitempty"`

	// How long one check may take in all. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Permit plain http to hosts other than this machine. Whoever sits on the
	// way reads every password. Default: false.
	InsecureHTTP bool `json:"insecure_http,omitempty"`

	// How to connect: the settings of reverse_proxy's http transport (TLS trust,
	// a client certificate, network_proxy, dial_timeout, ...). The environment's
	// HTTP_PROXY is not used; name a proxy here. Default: verified TLS, no proxy.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`
}

const (
	maxHTTPChecks = 32
	maxFields     = 16
)

// check finds what can't work. It runs on what the Caddyfile says, for the line
// number in the error, and again on what is loaded.
func (h *HTTPBackend) check() error {
	if !directive.IsDynamic(h.URL) {
		if err := outgoing.CheckURL(h.URL, h.InsecureHTTP); err != nil {
			return fmt.Errorf("http: %w", err)
		}
	}
	if h.Timeout < 0 || h.Timeout > caddy.Duration(time.Minute) {
		return errors.New("timeout must be at most 1m")
	}
	if len(h.Fields) > maxFields {
		return fmt.Errorf("more than %d fields", maxFields)
	}
	var names []string
	for i := range h.Fields {
		field := &h.Fields[i]
		if err := checkField(field); err != nil {
			return fmt.Errorf("field %q: %w", excerpt.Of(field.Name), err)
		}
		if slices.Contains(names, field.Name) {
			return fmt.Errorf("field %q is declared twice", field.Name)
		}
		names = append(names, field.Name)
	}
	return nil
}

// reservedFields mean something to the protocol.
var reservedFields = []string{fieldUsername, fieldPassword, "csrfToken", "callbackUrl", "json", "redirect"}

var (
	fieldName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
	fieldTypes   = []string{"", "text", "password", "email"}
	autocomplete = regexp.MustCompile(`^[a-z0-9 -]{0,64}$`)
)

func checkField(f *providers.Field) error {
	switch {
	case !fieldName.MatchString(f.Name):
		return errors.New("a field's name is 1 to 64 letters, digits, hyphens and underscores, and begins with a letter")
	case slices.Contains(reservedFields, f.Name):
		return errors.New("this name has a meaning already: choose another")
	case profile.CleanText(f.Label) != f.Label:
		return errors.New("label must be at most 255 bytes without control characters or space around it")
	case !slices.Contains(fieldTypes, f.Type):
		return errors.New("type must be text, password or email")
	case !autocomplete.MatchString(f.Autocomplete):
		return errors.New("autocomplete must be an HTML autofill token such as one-time-code")
	}
	return nil
}

// httpEndpoint is an HTTPBackend at work.
type httpEndpoint struct {
	url     string
	name    string // the url without its query, which may hold a key
	fields  []providers.Field
	profile profile.Reader
	client  *http.Client
	turns   *queue.Queue
	logger  *zap.Logger
}

// open makes the endpoint ready. It connects to nothing.
func (h *HTTPBackend) open(ctx caddy.Context, logger *zap.Logger) (*httpEndpoint, error) {
	resolved := *h
	if err := directive.Expand("http", &resolved.URL); err != nil {
		return nil, err
	}
	if err := resolved.check(); err != nil {
		return nil, err
	}
	client, _, err := outgoing.NewClient(ctx, h, &h.TransportRaw)
	if err != nil {
		return nil, err
	}
	if h.InsecureHTTP {
		logger.Warn("insecure_http: whoever sits between this server and the back end reads every password")
	}
	timeout := time.Duration(h.Timeout)
	if timeout == 0 {
		timeout = outgoing.CallTimeout
	}
	name, _, _ := strings.Cut(resolved.URL, "?")
	e := &httpEndpoint{
		url: resolved.URL, name: name, fields: h.Fields, logger: logger,
		client:  client,
		turns:   queue.New(maxHTTPChecks, maxWaiting, timeout),
		profile: profile.Map{ID: "id", Name: "name", Email: "email", Image: "image", Groups: "groups"}.Compile(true),
	}
	e.client.Timeout = timeout
	return e, nil
}

func (e *httpEndpoint) extraFields() []providers.Field { return e.fields }

// authenticate implements backend.
func (e *httpEndpoint) authenticate(ctx context.Context, fields map[string]string) (providers.Account, error) {
	body, ok := e.body(fields)
	if !ok {
		return providers.Account{}, providers.ErrWrongCredentials
	}
	if err := e.turns.Acquire(ctx); err != nil {
		return providers.Account{}, err
	}
	defer e.turns.Release()
	status, raw, err := e.post(ctx, body)
	if err != nil {
		return providers.Account{}, fmt.Errorf("asking the back end: %w", err)
	}
	if status != http.StatusOK && status != http.StatusUnauthorized && status != http.StatusForbidden {
		return providers.Account{}, fmt.Errorf("%s answered with status %d, not with 200, 401 or 403", e.name, status)
	}
	answer, err := profile.ParseClaims(raw)
	switch {
	case status != http.StatusOK && err != nil:
		return providers.Account{}, providers.ErrWrongCredentials
	case status != http.StatusOK:
		return providers.Account{}, e.refusal(answer)
	case err == nil && answer.Contradiction() != nil:
		e.logger.Warn("the back end answered 200 and says in it that it refuses: that counts as a refusal; it should answer 401 or 403")
		return providers.Account{}, e.refusal(answer)
	}
	var account providers.Account
	if err == nil {
		account, err = e.account(answer)
	}
	if err != nil {
		return providers.Account{}, fmt.Errorf("the answer of %s: %w", e.name, err)
	}
	return account, nil
}

// body takes of a form what is declared, and refuses values that nobody types.
func (e *httpEndpoint) body(fields map[string]string) ([]byte, bool) {
	sent := map[string]string{fieldUsername: fields[fieldUsername], fieldPassword: fields[fieldPassword]}
	for _, field := range e.fields {
		value := fields[field.Name]
		if len(value) > maxFieldValue || !isPlainText(value) || value == "" && !field.Optional {
			return nil, false
		}
		sent[field.Name] = value
	}
	body, err := json.Marshal(sent)
	return body, err == nil
}

// post returns the answer's status, and its body where one is expected.
func (e *httpEndpoint) post(ctx context.Context, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("making a request: %w", outgoing.WithoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", e.name, outgoing.WithoutURL(err))
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil, fmt.Errorf("reading the answer of %s: %w", e.name, err)
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode == http.StatusOK && kind != "application/json" {
		return 0, nil, fmt.Errorf("%s answered with the content type %q, not with application/json", e.name, excerpt.Of(kind))
	}
	return resp.StatusCode, answer, nil
}

func (e *httpEndpoint) account(c profile.Claims) (providers.Account, error) {
	account, err := e.profile.Account(c)
	if err != nil {
		return providers.Account{}, err
	}
	login, given := c["username"].(string)
	if !given {
		return account, nil
	}
	if err := providers.CheckLogin(login, account.Email); err != nil {
		return providers.Account{}, fmt.Errorf("username: %w", err)
	}
	account.Login = login
	return account, nil
}

// refusal is the reason that the back end gives, if it is one of ours.
func (e *httpEndpoint) refusal(c profile.Claims) error {
	code, _ := c["error"].(string)
	if providers.IsRefusalCode(code) {
		return &providers.RefusalError{Code: code}
	}
	if code != "" {
		e.logger.Debug("the back end gave a reason that isn't one of the known codes", zap.String("error", excerpt.Of(code)))
	}
	return providers.ErrWrongCredentials
}

var _ backend = (*httpEndpoint)(nil)
