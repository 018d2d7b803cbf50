package email

import (
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// config is a provider's JSON.
type config = providertest.Config
