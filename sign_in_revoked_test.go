package signin

import (
	"net/http"
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
		realm.Logger = zap.New(core)
		elsewhere := opened(t, realm, signedInAs(t, realm, "alice"))
		store.BeforeWrite(func() {
			if _, err := realm.URLSite.Sessions.SignOut(t.Context(), elsewhere, true); err != nil {
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
