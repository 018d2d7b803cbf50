package signin

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// What people do on purpose is no reason for an alarm.
func TestAnOvertakenSignInIsNobodysFault(t *testing.T) {
	realm, store := hangingRealm(t, "jwt")
	synctest.Test(t, func(t *testing.T) {
		v := newVisitor(t, realm)
		core, lines := observer.New(zap.InfoLevel)
		realm.logger = zap.New(core)
		elsewhere := opened(t, realm, signedInAs(t, realm, "alice"))
		store.BeforeWrite(func() {
			if _, err := realm.urlSite.sessions.SignOut(t.Context(), elsewhere, true); err != nil {
				t.Error(err)
			}
		})
		got := v.send(t, "/api/auth/callback/credentials", "username=alice&password=correct+horse", new(atomic.Int64))
		if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
			t.Errorf("the answer is %d, %v", got.Code, got.Header())
		}
		if told := lines.FilterMessage("a sign-in came to nothing").Len(); told != 1 || lines.FilterLevelExact(zap.ErrorLevel).Len() > 0 {
			t.Errorf("the log has %v", lines.All())
		}
	})
}

func TestUserAgentsAreFitForATerminal(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11)":            "Mozilla/5.0 (X11)",
		"a\x1b[31mb\x00\r\nc\u202e":    "a[31mbc",
		"\xff\xfe":                     "",
		strings.Repeat("x", 119) + "é": strings.Repeat("x", 119),
	} {
		if got := agentOf(header); got != want {
			t.Errorf("%q becomes %q, want %q", header, got, want)
		}
	}
}
