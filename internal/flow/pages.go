package flow

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/client"
	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/pages"
	"github.com/caddy-signin/caddy-signin/providers"
)

// SignInPage shows the ways to sign in. It never goes to a provider by
// itself: that takes a POST with the CSRF token.
func SignInPage(c *Call) error {
	code := c.query.Get("error")
	if c.provider != "" && c.endpoints.Dialect.strictPaths {
		return c.noProvider(c.unsupported)
	}
	if page := c.endpoints.Pages.SignIn; page != "" {
		if code == "" {
			code = c.provider // NextAuth passes the path segment on as the error
		}
		query := []string{"callbackUrl", c.callbackURL}
		if isCode(code) {
			query = append(query, "error", code)
		}
		if more := c.query.Get("code"); isCode(more) {
			query = append(query, "code", more)
		}
		c.sendCookies()
		response.Redirect(c.w, http.StatusFound, redirect.AddQuery(page, query...))
		return nil
	}
	if c.query.Get("csrf") == "true" {
		code = string(authjs.CodeMissingCSRF)
	}
	page := signInPage(c, code)
	if code != "" {
		failed := c.takeFailure(code)
		page.Reference = failed.Reference
		page.ErrorProvider, page.Username, page.Email = failed.Provider, failed.Username, failed.Email
		if more := c.query.Get("code"); code == string(authjs.CodeCredentialsSignin) && providers.IsRefusalCode(more) {
			page.Error = more
		}
	}
	if email := c.query.Get("email"); email != "" {
		if addr, err := address.Parse(email); err == nil {
			page.Email = addr
		}
	}
	live, err := c.rs.Session(c.r)
	if err != nil {
		return c.unavailable(err)
	}
	if live != nil && code == "" {
		page.User = realm.PageUser(live)
	}
	c.sendCookies()
	return c.site.ServePage(c.w, page)
}

func signInPage(c *Call, code string) pages.SignIn {
	page := pages.SignIn{
		Site: c.site.PageSite(c.r), CSRFToken: c.csrfToken, CallbackURL: c.callbackURL, Error: code,
	}
	for _, provider := range c.realm.Providers {
		info := provider.Info()
		shown := pages.Provider{ID: info.ID, Name: info.Name, Type: string(info.Type), Preset: info.Preset}
		if checker, ok := provider.(providers.Checker); ok {
			for _, field := range checker.Fields() {
				shown.Fields = append(shown.Fields, pages.Field(field))
			}
		}
		page.Providers = append(page.Providers, shown)
	}
	return page
}

// isCode reports what may be passed on as an error code to a page of the
// operator's: a short word.
func isCode(code string) bool {
	return code != "" && len(code) <= 64 && !strings.ContainsFunc(code, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// ErrorPage shows an error, or sends the codes that a new attempt may
// cure to the sign-in page.
func ErrorPage(c *Call) error {
	code := c.query.Get("error")
	if code == "" {
		code = c.provider
	}
	if c.endpoints.Dialect.errorsOnSignInPage && authjs.ErrorCode(code).OnSignInPage() {
		c.sendCookies()
		response.Redirect(c.w, http.StatusFound, redirect.AddQuery(c.site.Base+"/signin", "error", code))
		return nil
	}
	if page := c.endpoints.Pages.Error; page != "" {
		if !isCode(code) {
			code = "Default"
		}
		c.sendCookies()
		response.Redirect(c.w, http.StatusFound, redirect.AddQuery(page, "error", code))
		return nil
	}
	site := c.site.PageSite(c.r)
	site.Reference = c.takeFailure(code).Reference
	c.sendCookies()
	return c.site.ServePage(c.w, pages.Error{Site: site, Code: code})
}

// ClientScript serves the browser's module.
func ClientScript(c *Call) error {
	return serveAsset(c, "text/javascript; charset=utf-8", client.JS())
}

// ClientTypes serves the declarations, for projects to download.
func ClientTypes(c *Call) error {
	return serveAsset(c, "text/plain; charset=utf-8", client.Types())
}

// serveAsset serves what is the same for everyone.
func serveAsset(c *Call, contentType string, file client.File) error {
	header := c.w.Header()
	header.Del("Vary")
	header.Set("Cache-Control", "public, max-age=3600")
	header.Set("Content-Type", contentType)
	header.Set("ETag", file.ETag())
	http.ServeContent(c.w, c.r, "", time.Time{}, strings.NewReader(file.Content()))
	return nil
}

// PagesScript serves the script of the built-in pages.
func PagesScript(c *Call) error {
	c.w.Header().Del("Vary")
	pages.ServeScript(c.w, c.r)
	return nil
}
