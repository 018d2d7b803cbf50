package outgoing

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
)

// maxHeader is how many bytes the headers of an answer may have.
const maxHeader = 64 << 10

// keepAlive covers the calls of one sign-in. It ends before servers usually close
// a connection (Apache and Node after 5 s, gunicorn after 2): a code sent into one
// that is just being closed is lost, and can't be sent again. An idle connection
// also keeps the configuration that it belongs to in memory after a reload.
var keepAlive = json.RawMessage(`{"enabled": true, "idle_timeout": "1s"}`)

// NewClient makes a [Client] over Caddy's HTTP transport, from the field TransportRaw of
// owner, and returns the transport's whole configuration beside it. Unlike
// reverse_proxy's the transport reads no proxy from the environment, bounds the headers
// of an answer and closes idle connections soon.
func NewClient(ctx caddy.Context, owner any, field *json.RawMessage) (*http.Client, json.RawMessage, error) {
	transport, settings, err := loadTransport(ctx, owner, field)
	if err != nil {
		return nil, nil, fmt.Errorf("transport: %w", err)
	}
	return Client(transport), settings, nil
}

func loadTransport(ctx caddy.Context, owner any, field *json.RawMessage) (http.RoundTripper, json.RawMessage, error) {
	settings := make(map[string]json.RawMessage)
	if len(*field) > 0 {
		if err := json.Unmarshal(*field, &settings); err != nil || settings == nil {
			return nil, nil, errors.New("it must be a JSON object")
		}
	}
	if protocol := settings["protocol"]; protocol != nil && string(protocol) != `"http"` {
		return nil, nil, errors.New(`only the http transport reaches a provider: write "protocol": "http" or leave it out`)
	}
	settings["protocol"] = json.RawMessage(`"http"`)
	if settings["network_proxy"] == nil && settings["forward_proxy_url"] == nil {
		settings["network_proxy"] = json.RawMessage(`{"from": "none"}`)
	}
	if settings["max_response_header_size"] == nil {
		settings["max_response_header_size"] = json.RawMessage(strconv.Itoa(maxHeader))
	}
	if settings["keep_alive"] == nil {
		settings["keep_alive"] = keepAlive
	}
	raw, err := json.Marshal(settings)
	if err != nil {
		return nil, nil, err
	}
	*field = slices.Clone(raw) // Caddy takes it out
	loaded, err := ctx.LoadModule(owner, "TransportRaw")
	if err != nil {
		return nil, nil, err
	}
	transport, ok := loaded.(http.RoundTripper)
	if !ok {
		return nil, nil, fmt.Errorf("the http transport of Caddy is a %T, which makes no round trips", loaded)
	}
	return transport, raw, nil
}

// VerifiesNobody says that a transport takes any certificate.
func VerifiesNobody(transport json.RawMessage) bool {
	var settings struct {
		TLS struct {
			InsecureSkipVerify bool `json:"insecure_skip_verify"`
		} `json:"tls"`
	}
	return json.Unmarshal(transport, &settings) == nil && settings.TLS.InsecureSkipVerify
}
