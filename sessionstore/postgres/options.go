package postgres

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// callTimeout bounds one statement, with the wait for a connection.
	callTimeout = 750 * time.Millisecond
	// connectTimeout bounds an attempt to connect, unless the dsn has its own.
	connectTimeout = 2 * time.Second
	// pingTimeout bounds the question whether a connection is alive.
	pingTimeout = 500 * time.Millisecond
	// statementTimeout, in milliseconds, has a live server give up what nobody
	// waits for any more.
	statementTimeout = "1500"
	applicationName  = "caddy-signin"
)

// options are what a pooled handle is made from.
type options struct {
	config *pgxpool.Config
	schema string // empty: the role's search path decides
	name   string // host and database, for messages
	key    string // of the pool of handles
}

func parseOptions(dsn, schema string) (*options, error) {
	if err := checkSchema(schema); schema != "" && err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("dsn: %s: write postgres://user@host/database?option=value, or keyword=value pairs", parseFailure(err))
	}
	for host, mode := range undecided(&config.ConnConfig.Config) {
		verifyFull(&config.ConnConfig.Config, host, mode)
	}
	connection := config.ConnConfig
	if connection.ConnectTimeout == 0 {
		connection.ConnectTimeout = connectTimeout
	}
	setDefault(connection.RuntimeParams, "statement_timeout", statementTimeout)
	setDefault(connection.RuntimeParams, "application_name", applicationName)
	config.PingTimeout = pingTimeout
	digest := sha256.Sum256([]byte(dsn + "\x00" + schema))
	return &options{
		config: config,
		schema: schema,
		name:   net.JoinHostPort(connection.Host, strconv.Itoa(int(connection.Port))) + "/" + connection.Database,
		key:    hex.EncodeToString(digest[:]),
	}, nil
}

func setDefault(params map[string]string, name, value string) {
	if _, ok := params[name]; !ok {
		params[name] = value
	}
}

// parseFailure is what is wrong with a dsn, without any of it: pgx's own text
// quotes it, and finds the password in it only where the form allows.
func parseFailure(err error) string {
	var parse *pgconn.ParseConfigError
	if !errors.As(err, &parse) {
		return "not understood"
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(parse.Error(), "cannot parse `"), " (")
	i := strings.LastIndex(text, "`: ")
	if i < 0 {
		return "not understood"
	}
	text = text[i+len("`: "):]
	if text == "failed to configure TLS" {
		text += " (look at sslmode, sslrootcert, sslcert and sslkey)"
	}
	return text
}

func checkSchema(name string) error {
	if name == "" || len(name) > 63 || strings.ContainsRune(name, 0) || strings.HasPrefix(name, "pg_") {
		return fmt.Errorf("schema %q must be a name of 1 to 63 bytes that doesn't begin with pg_", name)
	}
	return nil
}

// endpoint is one address with one way to encrypt.
type endpoint struct {
	host string
	port uint16
}

// undecided are the remote addresses for which no sslmode was chosen. pgx then
// tries with and without encryption (prefer, allow), so that whoever is between
// may switch it off; direct TLS without a mode encrypts and verifies nothing.
func undecided(config *pgconn.Config) map[endpoint]*tls.Config {
	encrypted, plain := make(map[endpoint]*tls.Config), make(map[endpoint]bool)
	for _, way := range ways(config) {
		at := endpoint{way.Host, way.Port}
		if way.TLSConfig != nil {
			encrypted[at] = way.TLSConfig
		} else {
			plain[at] = true
		}
	}
	for at, mode := range encrypted {
		unverified := mode.InsecureSkipVerify && mode.VerifyPeerCertificate == nil
		if isLocal(at.host) || (!plain[at] && !(unverified && config.SSLNegotiation == "direct")) {
			delete(encrypted, at)
		}
	}
	return encrypted
}

func ways(config *pgconn.Config) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, config.Fallbacks...)
}

// verifyFull leaves one way to an address: with a certificate for its name.
func verifyFull(config *pgconn.Config, at endpoint, mode *tls.Config) {
	verified := mode.Clone()
	verified.InsecureSkipVerify = false
	verified.ServerName = at.host
	var kept []*pgconn.FallbackConfig
	done := false
	for _, way := range ways(config) {
		if (endpoint{way.Host, way.Port}) == at {
			if done {
				continue
			}
			done = true
			way.TLSConfig = verified
		}
		kept = append(kept, way)
	}
	config.TLSConfig, config.Fallbacks = kept[0].TLSConfig, kept[1:]
}

// isLocal says that what is sent to host stays on this machine.
func isLocal(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
