package flow

import (
	"encoding/json"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
)

// flash is what one request tells the page at the end of its redirects: why it
// failed and under which reference the log says so, what had been typed, where a
// link was mailed. A sealed cookie carries it, one at a time.
type flash struct {
	// Code is the error code; empty: nothing failed.
	Code      string `json:"code,omitempty"`
	Reference string `json:"reference,omitempty"`
	Provider  string `json:"provider,omitempty"`
	Username  string `json:"username,omitempty"`
	Email     string `json:"email,omitempty"`
	Made      int64  `json:"made"`  // Unix milliseconds
	Until     int64  `json:"until"` // Unix milliseconds
}

const (
	maxFlashValue = 255
	// failureLife is how long a failure is worth telling.
	failureLife = time.Minute
)

// showsPages says whether a page of ours may follow this answer: a form leads to
// one, and so does signIn() unless the provider is asked by a password form or
// the script wants to know itself.
func (c *Call) showsPages() bool {
	if !c.wantsJSON() {
		return true
	}
	return !c.kind.typed && c.body["redirect"] != "false"
}

func (c *Call) setFlash(message flash, life time.Duration) {
	if c.keys == nil {
		return // the secret can't be had now
	}
	now := time.Now()
	message.Made, message.Until = now.UnixMilli(), now.Add(life).UnixMilli()
	payload, err := json.Marshal(message)
	if err != nil {
		return // it holds strings and numbers only
	}
	name := c.site.CookieNames.Flash()
	cookie := c.site.Cookie(name, c.keys.Flash[name].Seal(payload))
	cookie.MaxAge = max(1, int(life.Seconds()))
	c.setCookies = append(c.setCookies, cookie)
}

// readFlash returns the browser's flash message, or an empty one.
func (c *Call) readFlash() flash {
	name := c.site.CookieNames.Flash()
	values := authjs.AppendValues(nil, c.rs.CookieLines, name)
	if len(values) == 0 {
		return flash{}
	}
	payload, _, err := c.keys.Flash[name].Open(values[0])
	if err != nil {
		return flash{}
	}
	var message flash
	if err := json.Unmarshal([]byte(payload), &message); err != nil || time.Now().UnixMilli() > message.Until {
		return flash{}
	}
	return message
}

// takeFailure returns the flash message of the failure with this code, once. Where the
// browser brings none, as when somebody opens an error's address by hand, the
// failure is this request: the reference on a page is always in the log.
func (c *Call) takeFailure(code string) flash {
	message := c.readFlash()
	if message.Code != "" {
		c.setCookies = append(c.setCookies, c.site.Cookie(c.site.CookieNames.Flash(), "").Delete())
	}
	if message.Reference != "" && strings.EqualFold(message.Code, code) {
		return message
	}
	message = flash{Reference: request.Reference(c.r)}
	c.realm.Logger.Info("a visitor was shown an error, of which this browser tells no more",
		zap.String("code", response.Cut(code, 64)), zap.String("reference", message.Reference))
	return message
}
