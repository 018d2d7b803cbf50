package flow

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/internal/throttle"
	"github.com/caddy-signin/caddy-signin/providers"
)

// panickingOffer is a third party's mail provider with a mistake.
type panickingOffer struct{ providers.Offer }

func (panickingOffer) Send(context.Context, providers.Link) error { panic("a mistake") }

// A mail is sent when its request has been answered: nobody else would recover.
func TestAMailProviderThatPanicsEndsNothingElse(t *testing.T) {
	t.Parallel()
	core, lines := observer.New(zap.InfoLevel)
	link := linkOf()
	mail := linkMail{
		offer: panickingOffer{}, keys: linkKeysOf(t, "a secret of the unit tests, over 32 bytes"), link: link,
		counts: throttle.New(link.store, "realm").Quotas("realm"), limit: providers.Budget{Most: 1, Per: time.Hour},
		admitted: true, logger: zap.New(core), sampled: zap.New(core),
	}
	mail.deliver(t.Context())
	told := lines.All()
	if len(told) != 1 || told[0].Level != zap.ErrorLevel || !strings.Contains(fmt.Sprint(told[0].ContextMap()["stack"]), "panickingOffer") {
		t.Errorf("the log has %v", told)
	}
}
