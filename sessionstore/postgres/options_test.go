package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// encryption says how each address of a dsn is reached.
func encryption(t *testing.T, dsn string) string {
	t.Helper()
	o, err := parseOptions(dsn, "")
	if err != nil {
		t.Fatalf("%s: %v", dsn, err)
	}
	var found []string
	for _, way := range ways(&o.config.ConnConfig.Config) {
		mode := "plain"
		switch c := way.TLSConfig; {
		case c == nil:
		case !c.InsecureSkipVerify && c.ServerName == way.Host:
			mode = "full"
		case c.VerifyPeerCertificate != nil:
			mode = "ca"
		case c.InsecureSkipVerify:
			mode = "unverified"
		default:
			mode = "for " + c.ServerName
		}
		found = append(found, way.Host+" "+mode)
	}
	return strings.Join(found, ", ")
}

func TestRemoteServersMustShowACertificateForTheirName(t *testing.T) {
	for _, name := range []string{"PGSSLMODE", "PGHOST", "PGSSLROOTCERT"} {
		t.Setenv(name, "")
	}
	for dsn, want := range map[string]string{
		"postgres://u@db.example.com/app":                                 "db.example.com full",
		"postgres://u@192.0.2.7/app":                                      "192.0.2.7 full",
		"host=db.example.com user=u dbname=app":                           "db.example.com full",
		"postgres://u@db.example.com/app?sslmode=prefer":                  "db.example.com full",
		"postgres://u@db.example.com/app?sslmode=allow":                   "db.example.com full",
		"postgres://u@db.example.com/app?sslnegotiation=direct":           "db.example.com full",
		"host=db.example.com user=u password='x sslmode=disable' port=1":  "db.example.com full",
		"postgres://u@a.example:1,b.example:2/app":                        "a.example full, b.example full",
		"postgres://u@localhost:1,b.example:2/app":                        "localhost unverified, localhost plain, b.example full",
		"postgres://u@db.example.com/app?sslmode=verify-full":             "db.example.com full",
		"postgres://u@db.example.com/app?sslmode=verify-ca":               "db.example.com ca",
		"postgres://u@db.example.com/app?sslmode=require":                 "db.example.com unverified",
		"postgres://u@db.example.com/app?sslmode=disable":                 "db.example.com plain",
		"postgres://u@localhost/app":                                      "localhost unverified, localhost plain",
		"postgres://u@127.0.0.1/app":                                      "127.0.0.1 unverified, 127.0.0.1 plain",
		"postgres://u@[::1]/app":                                          "::1 unverified, ::1 plain",
		"host=/run/postgresql user=u":                                     "/run/postgresql plain",
		"postgres://u@localhost.example.com/app?sslsni=0":                 "localhost.example.com full",
		"postgres://u@127.0.0.1.example.com/app?application_name=another": "127.0.0.1.example.com full",
	} {
		if got := encryption(t, dsn); got != want {
			t.Errorf("%s: %s, want %s", dsn, got, want)
		}
	}
}

func TestOptionsBoundWhatTheServerMayTake(t *testing.T) {
	t.Parallel()
	o, err := parseOptions("postgres://u@localhost/app", "")
	if err != nil {
		t.Fatal(err)
	}
	c := o.config
	if c.ConnConfig.ConnectTimeout != connectTimeout || c.PingTimeout != pingTimeout ||
		c.ConnConfig.RuntimeParams["statement_timeout"] != statementTimeout {
		t.Errorf("connect %v, ping %v, %v", c.ConnConfig.ConnectTimeout, c.PingTimeout, c.ConnConfig.RuntimeParams)
	}
	if o, err = parseOptions("postgres://u@localhost/app?connect_timeout=9&statement_timeout=7&pool_max_conns=3", ""); err != nil {
		t.Fatal(err)
	}
	c = o.config
	if c.ConnConfig.ConnectTimeout.Seconds() != 9 || c.ConnConfig.RuntimeParams["statement_timeout"] != "7" || c.MaxConns != 3 {
		t.Errorf("the dsn's own: connect %v, %v, %d connections", c.ConnConfig.ConnectTimeout, c.ConnConfig.RuntimeParams, c.MaxConns)
	}
}

func TestHandlesAreSharedByTheSameOptionsOnly(t *testing.T) {
	t.Parallel()
	keys := make(map[string]string)
	for _, parts := range [][2]string{
		{"postgres://u:secret@localhost/app", ""},
		{"postgres://u:secret@localhost/app", "s"},
		{"postgres://u:other@localhost/app", ""},
		{"postgres://u:secret@localhost/app2", ""},
	} {
		o, err := parseOptions(parts[0], parts[1])
		if err != nil {
			t.Fatal(err)
		}
		if same, exists := keys[o.key]; exists {
			t.Errorf("%v has the key of %s", parts, same)
		}
		if keys[o.key] = fmt.Sprint(parts); strings.Contains(o.key, "secret") {
			t.Error("the key holds the password")
		}
	}
}

func TestMistakesInADSNAreToldWithoutIt(t *testing.T) {
	t.Setenv("PGSERVICEFILE", t.TempDir()+"/none")
	for _, dsn := range []string{
		"postgres://u:s3cret@localhost:port/app",
		"postgres://u:s3cret@localhost/app?sslmode=sometimes",
		"postgres://u:s3cret%zz@localhost/app",
		"postgres://u:s3cret/app@localhost/app?connect_timeout=s3cret",
		"postgres://u:s3cret@localhost/app?pool_max_conns=s3cret",
		"postgres://u:s3cret@localhost/app?sslrootcert=/s3cret",
		"password=s3cret host=localhost sslmode",
		"password='s3cret host=localhost",
		"s3cret",
		"service=s3cret",
		"postgres://u:s3cret@localhost/app?x=`: s3cret",
	} {
		_, err := parseOptions(dsn, "")
		if err == nil {
			continue // what pgx takes may still be refused by the server
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows it: %v", dsn, err)
		}
	}
	if _, err := parseOptions("postgres://u:s3cret@localhost/app?sslmode=sometimes", ""); err == nil || !strings.Contains(err.Error(), "postgres://user@host") {
		t.Errorf("a wrong sslmode: %v, want the right form", err)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"signin": true, "with space": true, `quote"d`: true, strings.Repeat("x", 63): true,
		strings.Repeat("x", 64): false, "pg_catalog": false, "a\x00b": false,
	} {
		if _, err := parseOptions("postgres://u@localhost/app", name); (err == nil) != ok {
			t.Errorf("schema %q: %v", name, err)
		}
	}
	h := newHandle(&options{schema: `quote"d; drop`})
	defer h.cancel()
	if got := h.sql("select from @signin_kv, @users"); got != `select from "quote""d; drop"."signin_kv", "quote""d; drop"."users"` {
		t.Errorf("statement %s", got)
	}
}

// Everything that goes wrong is told with host and database, and without what
// was sent, who sent it, or what the server quotes of it.
func TestErrorsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	o, err := parseOptions("postgres://u5er:s3cret@db.example.com:6432/app", "")
	if err != nil {
		t.Fatal(err)
	}
	h := newHandle(o)
	defer h.cancel()
	server := func(code string) error {
		return fmt.Errorf("doing s3cret: %w", &pgconn.PgError{Code: code, Message: "user u5er, row s3cret", Detail: "Key (email)=(s3cret)"})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{server("28P01"), "the server refuses this user: check user, password and pg_hba.conf (SQLSTATE 28P01)"},
		{server("23505"), "a constraint refuses the row (SQLSTATE 23505)"},
		{server("53300"), "the server has no free connection: raise max_connections, or lower pool_max_conns (SQLSTATE 53300)"},
		{server("42501"), "the role lacks a privilege: docs/operations.md lists the grants (SQLSTATE 42501)"},
		{server("XX000"), "the server reports an error (SQLSTATE XX000)"},
		{server(""), "the server reports an error (SQLSTATE )"},
		{context.DeadlineExceeded, "no answer in time"},
		{&net.DNSError{Name: "s3cret"}, "the host's address is not found"},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, "dial: connection refused"},
		{&pgconn.ConnectError{Config: &o.config.ConnConfig.Config}, "can't connect: is sslmode right, and the certificate valid for the host?"},
		{io.ErrUnexpectedEOF, "the connection broke"},
	} {
		got := h.explain(t.Context(), "reading a value", test.err)
		if want := "postgres store db.example.com:6432/app: reading a value: " + test.want; got.Error() != want || !errors.Is(got, test.err) {
			t.Errorf("%T: %q, want %q", test.err, got, want)
		}
	}
	if got := h.explain(cancelled, "reading a value", io.EOF); !errors.Is(got, context.Canceled) {
		t.Errorf("under a context that is done: %v", got)
	}
	for _, answer := range answers {
		if got := h.explain(t.Context(), "reading a value", fmt.Errorf("no: %w", answer)); !errors.Is(got, answer) || errors.As(got, new(*storeError)) {
			t.Errorf("%v became %v", answer, got)
		}
	}
	if !isAnswer(sessionstore.ErrNotFound) || isAnswer(io.EOF) || isAnswer(nil) {
		t.Error("answers and failures are mixed up")
	}
}

// A notification comes from the database, where others may notify too.
func FuzzParsePayload(f *testing.F) {
	for _, payload := range []string{"public 6b", "public *", "public ", "other 6b", "public 6", "public zz", "", "pub lic 6b"} {
		f.Add("public", payload)
	}
	f.Fuzz(func(t *testing.T, schema, payload string) {
		key, all, ok := parsePayload(schema, payload)
		mine := strings.HasPrefix(payload, schema+" ")
		if ok != mine || (all && key != "") {
			t.Errorf("%q in schema %q: key %q, all %t, ok %t", payload, schema, key, all, ok)
		}
		if ok && !all && !strings.EqualFold(payload, fmt.Sprintf("%s %x", schema, key)) {
			t.Errorf("%q is about key %x", payload, key)
		}
	})
}
