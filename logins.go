package signin

import (
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/providers"
)

// warnSharedLogins tells of providers whose users may have the same login name:
// an upstream that goes by the user name takes them for one person.
func (rl *Realm) warnSharedLogins() {
	if rl.Username != "" && rl.Username != "login" {
		return
	}
	var ids []string
	for _, provider := range rl.providers {
		if _, ok := provider.(providers.Checker); ok {
			ids = append(ids, provider.Info().ID)
		}
	}
	if len(ids) > 1 {
		rl.logger.Warn("several providers have login names of their own: an upstream can't tell two users of the same name apart unless it goes by the id; `username id` makes it",
			zap.String("providers", strings.Join(ids, ", ")))
	}
}
