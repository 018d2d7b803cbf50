package redis

import (
	"crypto/tls"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// TLS says how to connect by TLS. Certificates are verified.
type TLS struct {
	// Who may have issued the server's certificate: a module that gives trusted
	// authorities, such as file. Default: the system's authorities.
	CARaw json.RawMessage `json:"ca,omitempty" caddy:"namespace=tls.ca_pool.source inline_key=provider"`

	// The certificate to show to the server, a PEM file. Default: none.
	ClientCertificateFile string `json:"client_certificate_file,omitempty"`

	// The key of that certificate, a PEM file. Default: none.
	ClientCertificateKeyFile string `json:"client_certificate_key_file,omitempty"`

	// The name that the server's certificate must have. Default: the host that
	// is connected to; with a cluster or sentinels that is what they announce.
	ServerName string `json:"server_name,omitempty"`

	// Accept any certificate. Whoever sits on the way then reads and changes
	// every session. Default: false.
	InsecureSkipVerify bool `json:"insecure_skip_verify,omitempty"`
}

// config makes the configuration of a client; of a nil TLS the default one.
func (t *TLS) config(ctx caddy.Context) (*tls.Config, error) {
	if t == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	// What reverse_proxy does for its upstreams.
	made, err := (&reverseproxy.TLSConfig{
		CARaw:                    t.CARaw,
		ClientCertificateFile:    t.ClientCertificateFile,
		ClientCertificateKeyFile: t.ClientCertificateKeyFile,
		ServerName:               t.ServerName,
		InsecureSkipVerify:       t.InsecureSkipVerify,
	}).MakeTLSClientConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the client's configuration: %w", err)
	}
	if made == nil {
		made = new(tls.Config)
	}
	made.MinVersion = tls.VersionTLS12
	return made, nil
}
