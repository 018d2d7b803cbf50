package authjs_test

import (
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// A session goes out in a cookie and comes back in the next request.
func Example() {
	names := authjs.NextAuth.Names(true)
	keys, err := names.SessionKeyring("correct horse battery staple 0123456789")
	if err != nil {
		panic(err)
	}
	macs, err := authjs.NewMACKeys("example session", "correct horse battery staple 0123456789")
	if err != nil {
		panic(err)
	}
	now := time.Unix(1795420700, 0)

	claims := authjs.Claims{
		Name: authjs.TextOf("Alice Example"), Subject: "583231",
		Realm: "default", Provider: "github", AuthTime: now,
		IssuedAt: now, Expires: now.AddDate(0, 0, 30), ID: "5f0b6f2e-3c1d-4c55-9a53-0d6f1f0f2a7e",
	}
	claims.Sign(macs)
	token := keys.Seal(claims.Append(nil))
	cookies, err := names.SessionCookies(token, authjs.Cookie{Expires: claims.Expires}, &authjs.Received{})
	if err != nil {
		panic(err)
	}

	request := []string{"theme=dark; " + cookies[0].Name + "=" + cookies[0].Value}
	received := names.ReadSession(request)
	for _, token := range received.AppendTokens(nil) {
		payload, _, err := keys.Open(token)
		if err != nil {
			continue
		}
		read, err := authjs.ParseToken(payload, macs)
		if err != nil || !read.Ours || read.Claims.CheckTime(now) != nil {
			continue
		}
		fmt.Println(cookies[0].Name, "says", read.Claims.Name, "of", read.Claims.Provider)
	}
	fmt.Println("the back end gets", authjs.Strip(request))
	// Output:
	// __Secure-next-auth.session-token says Alice Example of github
	// the back end gets [theme=dark]
}

func ExampleOwn() {
	for _, name := range []string{"__Secure-next-auth.session-token.1", "authjs.csrf-token", "theme"} {
		fmt.Println(name, authjs.Own(name))
	}
	// Output:
	// __Secure-next-auth.session-token.1 true
	// authjs.csrf-token true
	// theme false
}

func ExampleCookie_String() {
	cookie := authjs.Cookie{Name: "next-auth.callback-url", Value: "http://localhost:3000/dash"}
	fmt.Println(cookie)
	fmt.Println(cookie.Delete())
	// Output:
	// next-auth.callback-url=http%3A%2F%2Flocalhost%3A3000%2Fdash; Path=/; HttpOnly; SameSite=Lax
	// next-auth.callback-url=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax
}

func ExampleCSRF() {
	csrf, err := authjs.NewCSRF("correct horse battery staple 0123456789")
	if err != nil {
		panic(err)
	}
	token, cookie := csrf.New()
	fmt.Println(len(token), csrf.VerifyPost(cookie, token), csrf.VerifyPost(cookie, "guessed"))
	// Output: 64 true false
}

func ExampleAppendSession() {
	user := authjs.User{Name: authjs.TextOf("Alice Example"), Image: authjs.Null}
	expires := time.Date(2026, 12, 23, 8, 6, 58, 362e6, time.UTC)
	fmt.Printf("%s\n", authjs.AppendSession(nil, user, expires))
	// Output: {"user":{"name":"Alice Example","image":null},"expires":"2026-12-23T08:06:58.362Z"}
}
