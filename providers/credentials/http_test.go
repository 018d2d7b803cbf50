package credentials

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// answering is a back end that always answers so.
func answering(t testing.TB, status int, contentType, body string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server
}

func loadHTTP(t testing.TB, c config) *Provider {
	t.Helper()
	return loadCredentials(t, config{"id": "staff", "http": c})
}

func TestHTTPBackendIsAskedWithWhatIsDeclared(t *testing.T) {
	t.Parallel()
	var got struct {
		method, contentType, cookie, accept string
		body                                map[string]any
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.method, got.contentType, got.cookie, got.accept = r.Method, r.Header.Get("Content-Type"), r.Header.Get("Cookie"), r.Header.Get("Accept")
		_ = json.NewDecoder(r.Body).Decode(&got.body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, `{"id": 7, "username": "alice", "name": "Alice", "email": "Alice@Example.com", "image": "https://img.example/a", "groups": ["staff", "admins"], "role": "root"}`)
	}))
	t.Cleanup(server.Close)
	c := loadHTTP(t, config{"url": server.URL, "fields": []providers.Field{{Name: "otp", Label: "One-time code"}, {Name: "tenant", Optional: true}}})
	account, err := c.Check(t.Context(), map[string]string{
		"username": "ALICE", "password": "pass{env.HOME}", "otp": "123456", "csrfToken": "t", "callbackUrl": "/", "json": "true", "role": "root",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := providers.Account{
		ID: "7", Login: "alice", Name: "Alice", Email: "alice@example.com", EmailVerified: true,
		Image: "https://img.example/a", Groups: []string{"staff", "admins"},
	}
	if account.ID != want.ID || account.Login != want.Login || account.Name != want.Name || account.Email != want.Email ||
		!account.EmailVerified || account.Image != want.Image || !slices.Equal(account.Groups, want.Groups) {
		t.Errorf("got  %+v\nwant %+v", account, want)
	}
	if got.method != http.MethodPost || got.contentType != "application/json" || got.cookie != "" || got.accept != "application/json" {
		t.Errorf("asked with %+v", got)
	}
	sent, _ := json.Marshal(got.body)
	if string(sent) != `{"otp":"123456","password":"pass{env.HOME}","tenant":"","username":"ALICE"}` {
		t.Errorf("sent %s", sent)
	}
	fields := c.Fields()
	if len(fields) != 4 || fields[2].Name != "otp" || fields[2].Optional || !fields[3].Optional {
		t.Errorf("fields %+v", fields)
	}
	if account, known := c.Current("anybody"); account != nil || known {
		t.Error("the provider claims to know who its users are now")
	}
}

func TestHTTPBackendAnswers(t *testing.T) {
	const typeJSON = "application/json"
	for name, tc := range map[string]struct {
		status            int
		contentType, body string
		want              string // "" works, "wrong", a code, or part of another error
	}{
		"only an id":                     {200, typeJSON, `{"id":"1"}`, ""},
		"401":                            {401, "text/plain", "no", "wrong"},
		"403 without a reason":           {403, typeJSON, "", "wrong"},
		"403 with a reason of its own":   {403, typeJSON, `{"error":"<script>"}`, "wrong"},
		"401 with a reason of ours":      {401, typeJSON, `{"error":"AccountLocked"}`, "AccountLocked"},
		"401 with a member twice":        {401, typeJSON, `{"error":"AccountLocked","error":"x"}`, "wrong"},
		"403 with a reason of ours":      {403, typeJSON, `{"error":"CodeRequired","more":1}`, "CodeRequired"},
		"a reason in another case":       {401, typeJSON, `{"error":"accountlocked"}`, "wrong"},
		"a reason that isn't text":       {401, typeJSON, `{"error":{"x":1}}`, "wrong"},
		"200 with an error":              {200, typeJSON, `{"error":"AccountLocked"}`, "AccountLocked"},
		"200 without an id":              {200, typeJSON, `{"name":"Alice"}`, "no usable identifier"},
		"200 with an id of another type": {200, typeJSON, `{"id":true}`, "no usable identifier"},
		"200 with null":                  {200, typeJSON, `null`, "not a JSON object"},
		"200 with a list":                {200, typeJSON, `[{"id":"1"}]`, "not a JSON object"},
		"200 with nothing":               {200, typeJSON, "", "not a JSON object"},
		"200 with more than one object":  {200, typeJSON, `{"id":"1"}{}`, "not a JSON object"},
		"200 with a page":                {200, "text/html", `{"id":"1"}`, `the content type "text/html"`},
		"a name with a colon":            {200, typeJSON, `{"id":"1","username":"a:b"}`, "username: a login name"},
		"a name of another's mail":       {200, typeJSON, `{"id":"1","username":"a@example.com"}`, "username: a login name with an @"},
		"201":                            {201, typeJSON, `{"id":"1"}`, "status 201"},
		"204":                            {204, typeJSON, "", "status 204"},
		"302":                            {302, typeJSON, `{"id":"1"}`, "status 302"},
		"404":                            {404, typeJSON, "", "status 404"},
		"429":                            {429, typeJSON, "", "status 429"},
		"500 that says 401":              {500, typeJSON, `{"error":"AccountLocked"}`, "status 500"},
		"a huge answer":                  {200, typeJSON, `{"id":"1","x":"` + strings.Repeat("x", outgoing.MaxAnswer) + `"}`, "larger than 1 MiB"},
		"too many groups":                {200, typeJSON, `{"id":"1","groups":["` + strings.Join(numbers(501), `","`) + `"]}`, "more than 500 groups"},
	} {
		t.Run(name, func(t *testing.T) {
			c := loadHTTP(t, config{"url": answering(t, tc.status, tc.contentType, tc.body).URL})
			_, err := checks(t, c, "alice", "s3cret-typed")
			refusal, isRefusal := errors.AsType[*providers.RefusalError](err)
			switch {
			case tc.want == "":
				if err != nil {
					t.Error(err)
				}
			case tc.want == "wrong":
				if !errors.Is(err, providers.ErrWrongCredentials) || isRefusal {
					t.Errorf("error %v", err)
				}
			case providers.IsRefusalCode(tc.want):
				if !isRefusal || refusal.Code != tc.want || !errors.Is(err, providers.ErrWrongCredentials) {
					t.Errorf("error %v", err)
				}
			case err == nil || errors.Is(err, providers.ErrWrongCredentials) || !strings.Contains(err.Error(), tc.want):
				t.Errorf("error %v; want one with %q", err, tc.want)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret-typed") || strings.Contains(err.Error(), "<script>")) {
				t.Errorf("the error holds what it must not: %v", err)
			}
		})
	}
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return list
}

// The operator's own back end is believed about an address, unless it says no.
func TestHTTPBackendVouchesForAddresses(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		`{"id":"1","email":"a@example.com"}`:                           true,
		`{"id":"1","email":"a@example.com","email_verified":true}`:     true,
		`{"id":"1","email":"a@example.com","email_verified":false}`:    false,
		`{"id":"1","email":"a@example.com","email_verified":null}`:     false,
		`{"id":"1","email":"not an address","email_verified":true}`:    false,
		`{"id":"1","email":["a@example.com"],"email_verified":"true"}`: false,
	} {
		account, err := checks(t, loadHTTP(t, config{"url": answering(t, 200, "application/json", answer).URL}), "alice", "x")
		if err != nil || account.EmailVerified != want {
			t.Errorf("%s: %+v, %v", answer, account, err)
		}
		if account.Login != "" {
			t.Errorf("%s: a login name that nobody vouches for: %q", answer, account.Login)
		}
	}
}

// The fake answers with a user and says in the same breath that it is none.
func TestHTTPBackendThatAnswersBothRefuses(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"error":"AccountLocked","id":"1"}`:            "AccountLocked",
		`{"error":"AccountLocked"}`:                     "AccountLocked",
		`{"id":"1","error":"whatever"}`:                 "",
		`{"id":"1","error":{"message":"locked"}}`:       "",
		`{"id":"1","error":true}`:                       "",
		`{"id":"1","success":false}`:                    "",
		`{"id":"1","ok":false}`:                         "",
		`{"id":"1","authenticated":false,"groups":[1]}`: "",
	} {
		account, err := checks(t, loadHTTP(t, config{"url": answering(t, 200, "application/json", answer).URL}), "alice", "x")
		refusal, coded := errors.AsType[*providers.RefusalError](err)
		if !errors.Is(err, providers.ErrWrongCredentials) || coded != (want != "") || coded && refusal.Code != want {
			t.Errorf("%s: %+v, %v", answer, account, err)
		}
	}
	for _, answer := range []string{`{"id":"1","error":null}`, `{"id":"1","error":""}`, `{"id":"1","success":true}`} {
		if _, err := checks(t, loadHTTP(t, config{"url": answering(t, 200, "application/json", answer).URL}), "alice", "x"); err != nil {
			t.Errorf("%s: %v", answer, err)
		}
	}
	two := `{"id":"1","id":"2"}`
	if account, err := checks(t, loadHTTP(t, config{"url": answering(t, 200, "application/json", two).URL}), "alice", "x"); err == nil {
		t.Errorf("%s is %+v", two, account)
	}
}

func TestHTTPBackendNeverFollowsARedirect(t *testing.T) {
	t.Parallel()
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	if _, err := checks(t, loadHTTP(t, config{"url": server.URL}), "alice", "x"); err == nil || errors.Is(err, providers.ErrWrongCredentials) || asked {
		t.Errorf("error %v, asked elsewhere: %t", err, asked)
	}
}

// The certificate is verified, against an authority of the operator's own too.
func TestHTTPBackendByTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1"}`)
	}))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := checks(t, loadHTTP(t, config{"url": server.URL}), "alice", "x"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
	trusting := config{"url": server.URL, "transport": config{
		"protocol": "http", "tls": config{"ca": config{"provider": "file", "pem_files": []string{authority}}},
	}}
	if _, err := checks(t, loadHTTP(t, trusting), "alice", "x"); err != nil {
		t.Errorf("an authority of one's own: %v", err)
	}
}

func TestHTTPBackendThatIsSlowOrGone(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	c := loadHTTP(t, config{"url": server.URL, "timeout": int64(50 * time.Millisecond)})
	if _, err := checks(t, c, "alice", "x"); err == nil || errors.Is(err, providers.ErrWrongCredentials) {
		t.Errorf("slow: %v", err)
	}
	close(release)
	gone := loadHTTP(t, config{"url": "http://127.0.0.1:1"})
	if _, err := checks(t, gone, "alice", "x"); err == nil || errors.Is(err, providers.ErrWrongCredentials) {
		t.Errorf("gone: %v", err)
	}
}

// A key in the endpoint's query stays out of the log, whatever goes wrong.
func TestHTTPBackendErrorsDontTellTheQuery(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"gone":             "http://127.0.0.1:1/login",
		"another status":   answering(t, 500, "application/json", "{}").URL + "/login",
		"not JSON":         answering(t, 200, "text/html", "{}").URL + "/login",
		"no user":          answering(t, 200, "application/json", "{}").URL + "/login",
		"a huge answer":    answering(t, 200, "application/json", strings.Repeat(" ", 2*outgoing.MaxAnswer)).URL + "/login",
		"an answer of 401": answering(t, 401, "text/plain", strings.Repeat(" ", 2*outgoing.MaxAnswer)).URL + "/login",
	} {
		_, err := checks(t, loadHTTP(t, config{"url": address + "?key=s3cret"}), "alice", "x")
		if err == nil || errors.Is(err, providers.ErrWrongCredentials) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHTTPBackendFieldsThatNobodyTypes(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(server.Close)
	c := loadHTTP(t, config{"url": server.URL, "fields": []providers.Field{{Name: "otp"}}})
	for _, otp := range []string{"", "12\x003", strings.Repeat("1", 1025), "1\xff"} {
		_, err := c.Check(t.Context(), map[string]string{"username": "alice", "password": "x", "otp": otp})
		if !errors.Is(err, providers.ErrWrongCredentials) || asked {
			t.Errorf("%q: %v, asked: %t", otp, err, asked)
		}
	}
}

func TestHTTPBackendsThatAreRefused(t *testing.T) {
	t.Parallel()
	const https = "https://backend.example.com/login"
	for name, tc := range map[string]struct {
		config config
		want   string
	}{
		"no URL":                   {config{}, "http: must be an https URL"},
		"plain http":               {config{"url": "http://backend.example.com"}, "insecure_http permits plain http"},
		"a password in the URL":    {config{"url": "https://u:p@backend.example.com"}, "must not hold a user name or password"},
		"another scheme":           {config{"url": "ftp://backend.example.com"}, "must be an https URL"},
		"an unset variable":        {config{"url": "{env.NO_SUCH_URL}"}, "http: {env.NO_SUCH_URL} is empty"},
		"a field of the protocol":  {config{"url": https, "fields": []providers.Field{{Name: "csrfToken"}}}, `field "csrfToken": this name has a meaning already`},
		"a field twice":            {config{"url": https, "fields": []providers.Field{{Name: "a"}, {Name: "a"}}}, `field "a" is declared twice`},
		"a field without a name":   {config{"url": https, "fields": []providers.Field{{}}}, `a field's name is`},
		"a field of no known type": {config{"url": https, "fields": []providers.Field{{Name: "a", Type: "file"}}}, "type must be text, password or email"},
		"a timeout of hours":       {config{"url": https, "timeout": int64(time.Hour)}, "timeout must be at most 1m"},
		"another transport":        {config{"url": https, "transport": config{"protocol": "fastcgi"}}, "only the http transport"},
	} {
		_, err := providertest.Load(t, "credentials", config{"http": tc.config})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, tc.want)
		}
	}
	for name, c := range map[string]config{
		"loopback":           {"url": "http://localhost:8080"},
		"insecure by choice": {"url": "http://backend.example.com", "insecure_http": true},
		"https":              {"url": https},
	} {
		if _, err := providertest.Load(t, "credentials", config{"http": c}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
