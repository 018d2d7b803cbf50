package credentials

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestProbeTellsWhatIsWrongWithTheConnection(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for endpoint, want := range map[string]string{
		secure.URL: "its certificate must be for this name",
		strings.Replace(plain.URL, "http:", "https:", 1): "what answers there speaks no TLS",
		providertest.ClosedPort():                        "nothing listens there",
		"https://no-such-host.invalid/login":             "is the host name right",
	} {
		loaded, err := providertest.Load(t, "credentials", config{"http": config{"url": endpoint}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = providertest.Probe(t, loaded.(*Provider))
		providertest.MustFail(t, err, want)
	}
}

func TestProbeOfUsersAsksNobody(t *testing.T) {
	t.Parallel()
	loaded, err := providertest.Load(t, "credentials", config{"users": []config{{"username": "alice", "password": DemoPasswordHash}}})
	if err != nil {
		t.Fatal(err)
	}
	if looked, err := providertest.Probe(t, loaded.(*Provider)); looked != "" || err != nil {
		t.Error(looked, err)
	}
}
