package realm

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/pages"
)

// ServePage answers with one of the built-in pages.
func (s *Site) ServePage(w http.ResponseWriter, page pages.Page) error {
	if err := pages.Serve(w, page, s.formActions()...); err != nil {
		return fmt.Errorf("answering with a page: %w", err)
	}
	return nil
}

// formActions are the origins, outside https, that the pages' forms may lead to:
// Chromium asks at every hop. Providers know theirs once they have read their
// metadata.
func (s *Site) formActions() []string {
	var origins []string
	for _, origin := range slices.Concat(s.Realm.Redirects, s.hosts) {
		if strings.HasPrefix(origin, "http:") {
			origins = append(origins, origin)
		}
	}
	for _, provider := range s.Realm.Providers {
		origins = append(origins, provider.Info().FormActions...)
	}
	return origins
}

// PageSite is what every page shows of the site.
func (s *Site) PageSite(r *http.Request) pages.Site {
	return pages.Site{Name: s.Host, BaseURL: s.Base, HomeURL: s.Origin, Reference: request.Reference(r)}
}

// PageUser is what pages show of who is signed in.
func PageUser(s *session.Session) *pages.User {
	name := s.Claims.Name.String()
	if name == "" {
		name = s.Username
	}
	return &pages.User{Name: name, Email: s.Claims.Email.String()}
}

// Unavailable answers 503 in the form that the client can use, to people with
// page. Nobody is signed out by it.
func Unavailable(w http.ResponseWriter, r *http.Request, rs *Request, page pages.Unavailable) error {
	response.Protect(w.Header())
	response.SetRetryAfter(w.Header())
	if rs.site != nil && (request.IsNavigation(r) || request.IsFormPost(r) || request.IsFramed(r)) {
		page.Site, page.RetryAfter = rs.site.PageSite(r), response.RetryAfter
		return rs.site.ServePage(w, page)
	}
	return rs.Realm.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "Service Unavailable"})
}

// WriteJSON answers with a value in JSON, which it calls as the realm's dialect does.
func (rl *Realm) WriteJSON(w http.ResponseWriter, status int, value any) error {
	body, err := response.EncodeJSON(value)
	if err != nil {
		return err
	}
	return rl.SendJSON(w, status, body)
}

// SendJSON is WriteJSON of what is JSON already. Its error, which handlers end with, is
// nil.
func (rl *Realm) SendJSON(w http.ResponseWriter, status int, body []byte) error {
	response.JSON(w, rl.JSONType, status, body)
	return nil
}

// RefuseHost answers a request whose public origin can't be known, without
// reflecting anything of it.
func (rl *Realm) RefuseHost(w http.ResponseWriter, why error) {
	rl.Sampled.Warn(why.Error(), zap.String("realm", rl.String()))
	response.Text(w, http.StatusMisdirectedRequest, "This host is not set up for signing in.\n")
}

// AnswerPanic keeps a defect of ours from becoming an open door: the request ends
// here with 500, whatever was about to happen, and without a cookie of ours.
func AnswerPanic(w http.ResponseWriter, r *http.Request, logger *zap.Logger, cause any) {
	rs := RequestOf(r.Context())
	if rs.isLive() {
		rs.Finish()
		rs.Out.Discard()
		w = rs.Out // it takes the cookies out
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // the sentinel that net/http documents
		panic(cause)
	}
	logger.Error("a request could not be handled: please report this",
		zap.String("path", r.URL.Path), zap.String("panic", fmt.Sprint(cause)), zap.ByteString("stack", debug.Stack()))
	response.Text(w, http.StatusInternalServerError, "Internal Server Error\n")
}

// maxLogged is how much of what a client sent goes into a line of the log, in bytes.
const maxLogged = 200

// refuseTarget answers a request whose target is refused.
func refuseTarget(w http.ResponseWriter, r *http.Request, reason string, logger *zap.Logger) {
	logger.Info("refused a request target that an upstream may read in another way",
		zap.String("reason", reason), zap.String("client_ip", request.ClientIP(r)), zap.String("host", response.Cut(r.Host, maxLogged)), zap.String("path", response.Cut(r.URL.EscapedPath(), maxLogged)))
	response.Text(w, http.StatusBadRequest, "This address is not understood.\n")
}
