// Guarded pages: the way in, the way out, and what the back end is told.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { dialects } from "./rig/dialects.mjs";
import {
  answerAtProvider, call, leave, logInAtProvider, open, openSignedIn, passwordForm, providerForm,
  settled, signInWithPassword, submit,
} from "./rig/pages.mjs";
import { startRig } from "./rig/rig.mjs";

for (const dialect of dialects) {
  const rig = await startRig({}, dialect);
  after(rig.stop);
  describe(`dialect ${dialect.name}`, () => suite(dialect, rig));
}

function suite(dialect, rig) {
  const { origin } = rig;
  const heading = (page, name) => page.getByRole("heading", { name }).waitFor();

  /** Opens a guarded page while signed out; it arrives at the sign-in page. */
  async function turnedAway(context, address) {
    const page = await context.newPage();
    await page.goto(address);
    await page.waitForURL(`${origin}/api/auth/signin?*`);
    return page;
  }

  describe("a deep link to a guarded page while signed out", () => {
    test("leads through the sign-in page to that page, with a password", async (t) => {
      const page = await turnedAway(await rig.context(t), "/guarded/a.html?q=1&r=%2F");
      await signInWithPassword(page);
      await page.waitForURL(`${origin}/guarded/a.html?q=1&r=%2F`);
      await heading(page, "Page A");
    });

    test("leads through the provider to that page", async (t) => {
      const page = await turnedAway(await rig.context(t), "/guarded/b.html?q=1&r=%2F");
      await submit(providerForm(page));
      await logInAtProvider(page);
      await page.waitForURL(`${origin}/guarded/b.html?q=1&r=%2F`);
      await heading(page, "Page B");
    });

    test("still leads there after a wrong password", async (t) => {
      const page = await turnedAway(await rig.context(t), "/guarded/a.html?q=1");
      await signInWithPassword(page, "wrong");
      await page.waitForURL(`${origin}/api/auth/signin?*error=CredentialsSignin*`);
      await page.getByRole("alert").waitFor();
      await signInWithPassword(page);
      await page.waitForURL(`${origin}/guarded/a.html?q=1`);
    });

    test("still leads there after the person cancelled at the provider", async (t) => {
      const page = await turnedAway(await rig.context(t), "/guarded/a.html?q=1");
      await submit(providerForm(page));
      await answerAtProvider(page, "Cancel");
      await page.waitForURL(`${origin}/api/auth/signin?*error=${dialect.providerError}*`);
      await page.getByRole("alert").waitFor();
      await submit(providerForm(page));
      await logInAtProvider(page);
      await page.waitForURL(`${origin}/guarded/a.html?q=1`);
    });
  });

  test("a page that a service worker fetches offers the way through the sign-in page to itself", async (t) => {
    const page = await open(await rig.context(t), "/plain/");
    await page.evaluate(() => navigator.serviceWorker.register("/worker.js"));
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    const answer = await page.goto("/guarded/a.html?q=1");
    assert.equal(answer.status(), 401);
    assert.ok(answer.fromServiceWorker(), "the worker had no part in it");
    await page.getByRole("link", { name: "Sign in" }).click();
    await signInWithPassword(page);
    await page.waitForURL(`${origin}/guarded/a.html?q=1`);
    await heading(page, "Page A");
  });

  describe("two tabs at two guarded pages", () => {
    for (const [order, last] of [["the first tab first", false], ["the second tab first", true]]) {
      test(`each arrive at their own through the provider, ${order}`, async (t) => {
        const context = await rig.context(t);
        const a = await turnedAway(context, "/guarded/a.html?tab=1");
        const b = await turnedAway(context, "/guarded/b.html?tab=2");
        for (const page of [a, b]) {
          await submit(providerForm(page));
          await heading(page, "Provider");
        }
        for (const page of last ? [b, a] : [a, b]) await logInAtProvider(page);
        await a.waitForURL(`${origin}/guarded/a.html?tab=1`);
        await heading(a, "Page A");
        await b.waitForURL(`${origin}/guarded/b.html?tab=2`);
        await heading(b, "Page B");
      });
    }

    test("each arrive at their own with a password", async (t) => {
      const context = await rig.context(t);
      const a = await turnedAway(context, "/guarded/a.html?tab=1");
      const b = await turnedAway(context, "/guarded/b.html?tab=2");
      await signInWithPassword(a);
      await a.waitForURL(`${origin}/guarded/a.html?tab=1`);
      await signInWithPassword(b);
      await b.waitForURL(`${origin}/guarded/b.html?tab=2`);
    });

    test("one with a password, one through the provider, each arrive at their own", async (t) => {
      const context = await rig.context(t);
      const a = await turnedAway(context, "/guarded/a.html?tab=1");
      const b = await turnedAway(context, "/guarded/b.html?tab=2");
      await submit(providerForm(b));
      await heading(b, "Provider");
      await signInWithPassword(a);
      await a.waitForURL(`${origin}/guarded/a.html?tab=1`);
      await logInAtProvider(b);
      await b.waitForURL(`${origin}/guarded/b.html?tab=2`);
    });
  });

  for (const { name, home } of dialect.clients) {
    test(`two signIn(id, {callbackUrl}) of ${name} in flight each arrive at their own`, async (t) => {
      const context = await rig.context(t);
      const tabs = [];
      for (const file of ["a", "b"]) {
        const page = await open(context, home);
        await leave(page, "signIn", "local", { callbackUrl: `/guarded/${file}.html` });
        await heading(page, "Provider");
        tabs.push(page);
      }
      const [a, b] = tabs;
      await logInAtProvider(b);
      await b.waitForURL(`${origin}/guarded/b.html`);
      await logInAtProvider(a);
      await a.waitForURL(`${origin}/guarded/a.html`);
      await heading(a, "Page A");
    });
  }

  describe("Back after sign-out does not show the guarded page", () => {
    for (const [cache, keepsPages] of [["with the browser's page cache", true], ["without it", false]]) {
      for (const { name, home } of dialect.clients) {
        test(`${cache}, signed out by ${name}`, async (t) => {
          const context = await rig.context(t, { keepsPages });
          const page = await openSignedIn(context, home);
          await page.goto("/guarded/a.html");
          await heading(page, "Page A");
          await page.goto(home);
          await settled(page, true);
          await leave(page, "signOut", { callbackUrl: "/?bye" });
          await page.waitForURL(`${origin}/?bye`);
          await page.evaluate(() => history.go(-2));
          await page.waitForURL(`${origin}/api/auth/signin?*`);
          await passwordForm(page).waitFor();
          assert.equal(await page.getByText("Page A").count(), 0);
        });
      }
    }
  });

  describe("a request that is no navigation", () => {
    test("gets 401 and JSON with the sign-in url, not a redirect", async (t) => {
      const page = await open(await rig.context(t), "/plain/");
      const answer = await page.evaluate(async () => {
        const response = await fetch("/api/echo/x");
        return { status: response.status, redirected: response.redirected, body: await response.json() };
      });
      assert.equal(answer.status, 401);
      assert.equal(answer.redirected, false);
      assert.equal(new URL(answer.body.url).origin + new URL(answer.body.url).pathname, `${origin}/api/auth/signin`);
    });

    test("is refused before an event stream or a WebSocket opens", async (t) => {
      const page = await open(await rig.context(t), "/plain/");
      assert.equal(await page.evaluate(firstEvent), "refused");
      assert.equal(await page.evaluate(firstMessage), "refused");
    });

    test("streams events and messages when signed in", async (t) => {
      const page = await openSignedIn(await rig.context(t), "/plain/");
      assert.equal(await page.evaluate(firstEvent), "hello");
      assert.equal(await page.evaluate(firstMessage), "hello");
    });
  });

  function firstEvent() {
    return new Promise((resolve) => {
      const events = new EventSource("/api/echo/events");
      const end = (what) => { events.close(); resolve(what); };
      events.onmessage = ({ data }) => end(data);
      events.onerror = () => end("refused");
    });
  }

  function firstMessage() {
    return new Promise((resolve) => {
      const socket = new WebSocket("/api/echo/socket");
      const end = (what) => { socket.close(); resolve(what); };
      socket.onmessage = ({ data }) => end(data);
      socket.onerror = () => end("refused");
    });
  }

  describe("the back end", () => {
    const echo = (page, path, headers) => page.evaluate(async ([path, headers]) => {
      return (await fetch(path, { headers })).json();
    }, [path, headers]);

    test("is told who the person is, and not what the client claims", async (t) => {
      const page = await openSignedIn(await rig.context(t), "/plain/");
      const { headers, path } = await echo(page, "/api/echo/x?q=1", { "Remote-User": "mallory", "Remote-Groups": "root" });
      assert.equal(path, "/api/echo/x?q=1");
      assert.deepEqual(headers["remote-user"], ["alice"]);
      assert.deepEqual(headers["remote-email"], ["alice@example.com"]);
      assert.deepEqual(headers["remote-name"], ["Alice Example"]);
      assert.deepEqual(headers["remote-groups"], ["admins"]);
    });

    test("is told nothing on an open route", async (t) => {
      const page = await openSignedIn(await rig.context(t), "/plain/");
      const { headers } = await echo(page, "/api/open/x", { "Remote-User": "mallory" });
      assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith("remote-")), []);
    });

    test("gets the application's cookies, and none of the gateway's", async (t) => {
      const context = await rig.context(t);
      const page = await openSignedIn(context, "/plain/");
      await context.addCookies([{ name: "theme", value: "dark", url: origin }]);
      const { headers } = await echo(page, "/api/echo/x");
      assert.deepEqual(headers.cookie, ["theme=dark"]);
    });
  });

  test("a session that no rule of the gate admits gets 403 and a page", async (t) => {
    const context = await rig.context(t);
    const page = await openSignedIn(context, "/plain/");
    const response = await page.goto("/nobody/");
    assert.equal(response.status(), 403);
    assert.match(response.headers()["content-type"], /^text\/html/);
    assert.equal(await page.getByRole("heading", { name: "Nobody" }).count(), 0);
    assert.ok(await call(await open(context, "/plain/"), "getSession"), "the refusal ended the session");
  });
}
