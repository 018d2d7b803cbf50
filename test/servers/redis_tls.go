package servers

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
)

// RedisTLS is a server that speaks TLS only, under an authority of its own.
type RedisTLS struct {
	*Redis

	TLSPort int
	CAFile  string // the authority's certificate
}

// StartRedisTLS starts a server whose certificate is for 127.0.0.1.
func StartRedisTLS(t testing.TB) *RedisTLS {
	t.Helper()
	dir := shortDir(t)
	r := &RedisTLS{TLSPort: FreePort(t), CAFile: filepath.Join(dir, "ca.pem")}
	certificate, key := filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")
	writeCertificates(t, dir)
	r.Redis = StartRedis(t, "--port", "0", "--tls-port", strconv.Itoa(r.TLSPort), "--tls-auth-clients", "no",
		"--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", r.CAFile)
	r.Port = 0
	return r
}

// URL is how a client reaches it.
func (r *RedisTLS) URL() string { return fmt.Sprintf("rediss://127.0.0.1:%d", r.TLSPort) }
