package response

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// Caddy's header directive replaces in values as they lie there.
func TestAnswersShareNoHeaderValues(t *testing.T) {
	t.Parallel()
	answer := func() http.Header {
		rec := httptest.NewRecorder()
		Protect(rec.Header())
		JSON(rec, "application/json", http.StatusUnauthorized, []byte(`{}`))
		return rec.Header()
	}
	want := answer().Clone()
	if len(want) != len(protectedBy)+1 {
		t.Errorf("the headers are %v", want)
	}
	for _, lines := range answer() {
		lines[0] = "replaced"
	}
	if got := answer(); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("after somebody replaced the last answer's, the headers are %v", got)
	}
}
