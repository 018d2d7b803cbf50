package providers

import (
	"net/http"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestProbe(t *testing.T) {
	fails := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	for name, tc := range map[string]struct {
		behaviour providertest.Behaviour
		config    config
		want      string
	}{
		"all is well":       {providertest.Behaviour{}, nil, ""},
		"no discovery":      {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.DiscoveryPath: fails}}, nil, "discovery of issuer"},
		"no keys":           {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.JWKSPath: fails}}, nil, "fetching the provider's keys"},
		"keys aren't used":  {providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.JWKSPath: fails}}, config{"id_token_signed_response_alg": "HS256"}, ""},
		"nowhere to push":   {providertest.Behaviour{}, config{"pushed_authorization_request_endpoint": "discovered"}, "names no pushed_authorization_request_endpoint"},
		"no usable signing": {providertest.Behaviour{EditDiscovery: func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []any{"none"} }}, nil, "offers none of RS256"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(tc.behaviour)
			err := loadOIDC(t, corp(s).with(tc.config)).Probe(t.Context())
			if tc.want != "" {
				mustFail(t, err, tc.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
