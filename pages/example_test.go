package pages_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/caddy-signin/caddy-signin/pages"
)

func ExampleServe() {
	rec := httptest.NewRecorder()
	err := pages.Serve(rec, pages.SignIn{
		Site:        pages.Site{Name: "Example", BaseURL: "https://app.example.com/api/auth"},
		CSRFToken:   "…",
		CallbackURL: "https://app.example.com/reports",
		Providers: []pages.Provider{
			{ID: "github", Name: "GitHub", Type: pages.TypeOAuth, Preset: "github"},
			{ID: "email", Name: "Email", Type: pages.TypeEmail},
		},
	})
	fmt.Println(rec.Code, rec.Header().Get("Cache-Control"), err)
	// Output: 200 private, no-store <nil>
}

func ExampleStatus() {
	fmt.Println(pages.Status(pages.Error{Code: "AccessDenied"}))
	// Output: 403
}
