// The calls of next-auth/react, made with the unmodified package and with the
// gateway's own client: one list, the same results.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { alice } from "./rig/caddy.mjs";
import { dialects, wantsJson } from "./rig/dialects.mjs";
import {
  call, leave, logInAtProvider, open, openSignedIn, passwordForm, providerForm,
  settled, shownSession, signInWithPassword,
} from "./rig/pages.mjs";
import { startRig } from "./rig/rig.mjs";

for (const dialect of dialects) {
  const rig = await startRig({}, dialect);
  after(rig.stop);
  describe(`dialect ${dialect.name}`, () => suite(dialect, rig));
}

function suite(dialect, rig) {
  const { origin } = rig;
  const right = { username: alice.username, password: alice.password };

  for (const { name, home, result: shape } of dialect.clients) {
    describe(name, () => {
      test("signIn() opens the sign-in page and comes back to path, query and fragment", async (t) => {
        const page = await open(await rig.context(t), `${home}deep/page?x=1&y=%20#part`);
        await page.getByRole("button", { name: "Sign in", exact: true }).click();
        await page.waitForURL(`${origin}/api/auth/signin?*`);
        await signInWithPassword(page);
        await page.waitForURL(`${origin}${home}deep/page?x=1&y=%20#part`);
        await settled(page, true);
      });

      test("signIn() of a provider that there is none of opens the sign-in page", async (t) => {
        const page = await open(await rig.context(t), home);
        await leave(page, "signIn", "nobody");
        await page.waitForURL(`${origin}/api/auth/signin?callbackUrl=${encodeURIComponent(origin + home)}`);
        await providerForm(page).waitFor();
        await passwordForm(page).waitFor();
      });

      test("signIn(id) goes straight to the provider and comes back to path, query and fragment", async (t) => {
        const context = await rig.context(t);
        const visited = [];
        context.on("request", (request) => {
          if (request.isNavigationRequest()) visited.push(new URL(request.url()).pathname);
        });
        const page = await open(context, `${home}deep/page?x=1#part`);
        await page.getByRole("button", { name: "Sign in with the provider" }).click();
        await logInAtProvider(page);
        await page.waitForURL(`${origin}${home}deep/page?x=1#part`);
        await settled(page, true);
        assert.equal(visited.includes("/api/auth/signin"), false, "the sign-in page was in the way");
        const { user } = await shownSession(page);
        assert.deepEqual(user, {
          name: "Dora Example",
          email: "dora@example.com",
          image: "https://img.example/dora.png",
        });
      });

      for (const [what, callbackUrl, arrives] of [
        ["a path", "/guarded/a.html?q=1#f", "/guarded/a.html?q=1#f"],
        ["an absolute URL of the same host", `${origin}/guarded/b.html`, "/guarded/b.html"],
        ["a foreign URL", "https://foreign.example/", "/"],
        ["a protocol-relative URL", "//foreign.example/x", "/"],
        ["a javascript: URL", "javascript:alert(1)", "/"],
      ]) {
        test(`signIn(id, {callbackUrl}) with ${what}`, async (t) => {
          const page = await open(await rig.context(t), home);
          await leave(page, "signIn", "local", { callbackUrl });
          await logInAtProvider(page);
          await page.waitForURL((url) => url.origin === origin && !url.pathname.startsWith("/api/auth/"));
          assert.equal(page.url(), origin + arrives);
          await settled(await open(page.context(), home), true);
        });
      }

      test("signIn(\"credentials\") leaves the page for callbackUrl, signed in", async (t) => {
        const page = await open(await rig.context(t), home);
        await leave(page, "signIn", "credentials", { ...right, callbackUrl: "/guarded/a.html?q=1" });
        await page.waitForURL(`${origin}/guarded/a.html?q=1`);
        await page.getByRole("heading", { name: "Page A" }).waitFor();
      });

      test("signIn(\"credentials\") with a fragment of this page as callbackUrl loads it anew", async (t) => {
        const page = await open(await rig.context(t), home);
        await page.evaluate(() => { window.before = true; });
        await leave(page, "signIn", "credentials", { ...right, callbackUrl: `${home}#part` });
        await page.waitForFunction(() => window.before === undefined);
        assert.equal(page.url(), `${origin}${home}#part`);
        await settled(page, true);
      });

      test("signIn(\"credentials\", {redirect:false}) with the right password", async (t) => {
        const page = await open(await rig.context(t), home);
        const result = await call(page, "signIn", "credentials", { redirect: false, ...right, callbackUrl: "/foo" });
        assert.deepEqual(result, shape({ status: 200, ok: true, url: `${origin}/foo` }));
        await settled(page, true);
        assert.equal(page.url(), origin + home, "the page was left");
        const session = await shownSession(page);
        assert.deepEqual({ ...session.user, image: null }, {
          name: "Alice Example",
          email: "alice@example.com",
          image: null,
        });
      });

      test("signIn(\"credentials\", {redirect:false}) returns this page as url by default", async (t) => {
        const page = await open(await rig.context(t), `${home}?x=1#part`);
        const result = await call(page, "signIn", "credentials", { redirect: false, ...right });
        assert.deepEqual(result, shape({ status: 200, ok: true, url: `${origin}${home}?x=1#part` }));
      });

      test("signIn(\"credentials\", {redirect:false}) with the wrong password", async (t) => {
        const page = await open(await rig.context(t), home);
        const result = await call(page, "signIn", "credentials", { redirect: false, ...right, password: "wrong" });
        assert.deepEqual(result, shape(dialect.refused("CredentialsSignin")));
        assert.equal(await call(page, "getSession"), null);
      });

      test("signIn(\"credentials\", {redirect:false}) with the wrong password keeps the session that there is", async (t) => {
        const page = await openSignedIn(await rig.context(t), home);
        const result = await call(page, "signIn", "credentials", { redirect: false, ...right, password: "wrong" });
        assert.equal(result.error, "CredentialsSignin");
        assert.equal((await call(page, "getSession")).user.name, "Alice Example");
      });

      test("signIn(\"email\", {redirect:false}) reads the error of a 200", async (t) => {
        // No mail goes out here: the answers are those of the protocol, by hand.
        const page = await open(await rig.context(t), home);
        const email = { id: "email", name: "Email", type: "email" };
        let answer = "/verify-request?provider=email&type=email";
        await page.route("**/api/auth/providers", (route) => route.fulfill({ json: { email } }));
        await page.route(/\/api\/auth\/signin\/email\??$/, (route) => route.fulfill({ json: { url: `${origin}/api/auth${answer}` } }));
        const options = { redirect: false, email: "dora@example.com" };
        assert.deepEqual(await call(page, "signIn", "email", options), shape({
          status: 200, ok: true, url: `${origin}/api/auth/verify-request?provider=email&type=email`,
        }));
        answer = "/error?error=EmailSignin";
        assert.deepEqual(await call(page, "signIn", "email", options), shape({
          error: "EmailSignin", status: 200, ok: true, url: null,
        }));
      });

      test("signIn() goes to the error page when the providers can't be had", async (t) => {
        const page = await open(await rig.context(t), home);
        await page.route("**/api/auth/providers", (route) => route.fulfill({ status: 503, json: {} }));
        await leave(page, "signIn", "local");
        await page.waitForURL(`${origin}/api/auth/error`);
      });

      test("signIn(id, null, {prompt, login_hint}) reaches the provider, redirect_uri and state don't", async (t) => {
        const page = await open(await rig.context(t), home);
        await leave(page, "signIn", "local", null, {
          prompt: "login",
          login_hint: "dora@example.com",
          redirect_uri: "https://foreign.example/",
          state: "chosen",
          nonce: "chosen",
          client_id: "chosen",
          scope: "openid",
          response_type: "token",
          code_challenge: "chosen",
        });
        await page.getByRole("heading", { name: "Provider" }).waitFor();
        assert.equal(await page.locator('[name="login"]').inputValue(), "dora@example.com");
        const asked = rig.provider.authorizeRequests.at(-1);
        assert.equal(asked.prompt, "login");
        assert.equal(asked.login_hint, "dora@example.com");
        assert.equal(asked.redirect_uri, `${origin}/api/auth/callback/local`);
        assert.equal(asked.client_id, "browser-tests");
        assert.equal(asked.scope, "openid email profile");
        assert.equal(asked.response_type, "code");
        assert.equal(asked.code_challenge_method, "S256");
        for (const secret of ["state", "nonce", "code_challenge"]) {
          assert.match(asked[secret], /^[\w-]{43}$/, secret);
        }
        await logInAtProvider(page);
        await page.waitForURL(origin + home);
        await settled(page, true);
      });

      test("signOut() comes back to this page, signed out", async (t) => {
        const page = await openSignedIn(await rig.context(t), `${home}?x=1`);
        await page.evaluate(() => { window.before = true; });
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.waitForFunction(() => window.before === undefined);
        await settled(page, false);
        assert.equal(page.url(), `${origin}${home}?x=1`);
      });

      test("signOut({callbackUrl}) goes there; a foreign one is the home page", async (t) => {
        const context = await rig.context(t);
        const page = await openSignedIn(context, home);
        await leave(page, "signOut", { callbackUrl: "/?bye" });
        await page.waitForURL(`${origin}/?bye`);
        const other = await openSignedIn(context, home);
        await leave(other, "signOut", { callbackUrl: "https://foreign.example/" });
        await other.waitForURL(`${origin}/`);
      });

      test("signOut({redirect:false, callbackUrl}) returns the validated url, and the page shows signed out", async (t) => {
        const page = await openSignedIn(await rig.context(t), home);
        const result = await call(page, "signOut", { redirect: false, callbackUrl: "/foo" });
        assert.deepEqual(result, { url: `${origin}/foo` });
        await settled(page, false);
        assert.equal(page.url(), origin + home, "the page was left");
        const foreign = await call(page, "signOut", { redirect: false, callbackUrl: "https://foreign.example/" });
        assert.deepEqual(foreign, { url: origin });
      });

      test("getSession() is null when signed out, else has user and expires", async (t) => {
        const context = await rig.context(t);
        assert.equal(await call(await open(context, home), "getSession"), null);
        const page = await openSignedIn(context, home);
        const session = await call(page, "getSession");
        assert.deepEqual(Object.keys(session), ["user", "expires"]);
        assert.equal(new Date(session.expires).toISOString(), session.expires);
        const days = (new Date(session.expires) - Date.now()) / 86_400_000;
        assert.ok(days > 29.9 && days <= 30.1, `it lives for ${days} days`);
      });

      test("getCsrfToken(), and a hand-made POST with it", async (t) => {
        const page = await openSignedIn(await rig.context(t), home);
        const csrfToken = await call(page, "getCsrfToken");
        assert.match(csrfToken, /^[0-9a-f]{64}$/);
        assert.equal(await call(page, "getCsrfToken"), csrfToken, "the token changed");
        const signOutWith = (token) => page.evaluate(async ([csrfToken, headers]) => {
          const body = new URLSearchParams({ csrfToken, callbackUrl: "/foo", json: "true" });
          const response = await fetch("/api/auth/signout", { method: "POST", headers, body });
          return { status: response.status, answer: await response.json() };
        }, [token, wantsJson]);
        assert.deepEqual(await signOutWith("0".repeat(64)), {
          status: 200, answer: { url: `${origin}/api/auth/${dialect.missingToken}` },
        });
        assert.ok(await call(page, "getSession"), "a wrong token signed out");
        assert.deepEqual(await signOutWith(csrfToken), { status: 200, answer: { url: `${origin}/foo` } });
        assert.equal(await call(page, "getSession"), null);
      });

      test("getProviders() has exactly the documented fields, in the order of the configuration", async (t) => {
        const providers = await call(await open(await rig.context(t), home), "getProviders");
        assert.deepEqual(Object.keys(providers), ["local", "credentials"]);
        assert.deepEqual(Object.keys(providers.local), ["id", "name", "type", "signinUrl", "callbackUrl"]);
        assert.deepEqual(providers.local, {
          id: "local",
          name: "Local Provider",
          type: dialect.oidcType,
          signinUrl: `${origin}/api/auth/signin/local`,
          callbackUrl: `${origin}/api/auth/callback/local`,
        });
        const { name, ...credentials } = providers.credentials;
        assert.ok(name);
        assert.deepEqual(credentials, {
          id: "credentials",
          type: "credentials",
          signinUrl: `${origin}/api/auth/signin/credentials`,
          callbackUrl: `${origin}/api/auth/callback/credentials`,
        });
      });
    });
  }
}
