// What is particular to the gateway's own client; calls.test.mjs has what it shares with next-auth/react.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { alice } from "./rig/caddy.mjs";
import { call, leave, open, openSignedIn, settled, signInWithPassword } from "./rig/pages.mjs";
import { startRig } from "./rig/rig.mjs";

const { username, password } = alice;

describe("client.js", async () => {
  const rig = await startRig();
  after(rig.stop);
  const { origin } = rig;

  test("is a cacheable script with an entity tag, and sets no cookie", async () => {
    const response = await fetch(`${origin}/api/auth/client.js`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^text\/javascript/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.doesNotMatch(response.headers.get("cache-control") ?? "", /no-store|private/);
    assert.deepEqual(response.headers.getSetCookie(), []);
    const etag = response.headers.get("etag");
    assert.match(etag, /^"/);
    const again = await fetch(`${origin}/api/auth/client.js`, { headers: { "If-None-Match": etag } });
    assert.equal(again.status, 304);
  });

  test("signIn() arrives at a callbackUrl on another page with its fragment", async (t) => {
    const page = await open(await rig.context(t), "/plain/");
    await leave(page, "signIn", "credentials", { username, password, callbackUrl: "/guarded/a.html#part" });
    await page.waitForURL(`${origin}/guarded/a.html#part`);
    await page.getByRole("heading", { name: "Page A" }).waitFor();
  });

  test("signOut() arrives at a callbackUrl on another page with its fragment", async (t) => {
    const page = await open(await rig.context(t), "/plain/");
    await leave(page, "signOut", { callbackUrl: "/?bye#part" });
    await page.waitForURL(`${origin}/?bye#part`);
  });

  test("onSessionChange() does not tell an answer that a later one overtook", async (t) => {
    const page = await openSignedIn(await rig.context(t), "/plain/");
    const stale = await call(page, "getSession", { broadcast: false });
    let answerLate;
    const held = new Promise((resolve) => {
      page.route("**/api/auth/session", (route) => {
        answerLate = () => route.fulfill({ json: stale });
        resolve();
      }, { times: 1 });
    });
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
    await held;
    await call(page, "signOut", { redirect: false });
    await settled(page, false);
    await answerLate();
    // By the time that this is answered the page has read what came before.
    await call(page, "getCsrfToken");
    assert.equal(await page.locator("#status").textContent(), "unauthenticated");
  });

  for (const [name, nothing] of [["getSession", null], ["getProviders", null], ["getCsrfToken", undefined]]) {
    test(`${name}() is ${nothing} when the gateway fails, and reports it to _log`, async (t) => {
      const page = await open(await rig.context(t), "/plain/");
      const path = { getSession: "session", getProviders: "providers", getCsrfToken: "csrf" }[name];
      await page.route(`**/api/auth/${path}`, (route) => route.fulfill({ status: 502, body: "<html>" }));
      const reported = page.waitForResponse("**/api/auth/_log");
      assert.equal(await call(page, name), nothing);
      const answer = await reported;
      assert.equal(answer.status(), 200);
      const report = new URLSearchParams(answer.request().postData());
      assert.equal(report.get("code"), "CLIENT_FETCH_ERROR");
      assert.equal(report.get("level"), "error");
      assert.equal(report.get("url"), `${origin}/api/auth/${path}`);
    });
  }

  test("getSession() is null where a browser has no beacons", async (t) => {
    const page = await open(await rig.context(t), "/plain/");
    await page.evaluate(() => Object.defineProperty(navigator, "sendBeacon", { value: undefined }));
    await page.route("**/api/auth/session", (route) => route.abort());
    assert.equal(await call(page, "getSession"), null);
  });

  for (const answer of [{}, { url: null }, { error: "x" }, null]) {
    test(`signIn("credentials", {redirect:false}) rejects an answer of ${JSON.stringify(answer)}`, async (t) => {
      const page = await open(await rig.context(t), "/plain/");
      await page.route("**/api/auth/callback/credentials", (route) => route.fulfill({ json: answer }));
      await assert.rejects(call(page, "signIn", "credentials", { redirect: false, username, password }), /TypeError/);
    });
  }

  test("signOut({redirect:null}) leaves the page, as next-auth/react's does", async (t) => {
    const page = await openSignedIn(await rig.context(t), "/plain/");
    await leave(page, "signOut", { redirect: null, callbackUrl: "/?bye" });
    await page.waitForURL(`${origin}/?bye`);
  });
});

describe("client.js under another base_path", async () => {
  const rig = await startRig({ realm: "base_path /accounts/auth" });
  after(rig.stop);
  const { origin } = rig;

  test("signIn() and signOut() work", async (t) => {
    const page = await open(await rig.context(t), "/elsewhere/");
    const result = await call(page, "signIn", "credentials", { redirect: false, username, password });
    assert.deepEqual(result, { error: null, status: 200, ok: true, url: `${origin}/elsewhere/` });
    await settled(page, true);
    assert.deepEqual(await call(page, "signOut", { redirect: false }), { url: `${origin}/elsewhere/` });
    await settled(page, false);
  });

  test("signIn() without a provider opens the sign-in page there", async (t) => {
    const page = await open(await rig.context(t), "/elsewhere/");
    await leave(page, "signIn");
    await page.waitForURL(`${origin}/accounts/auth/signin?*`);
    await signInWithPassword(page);
    await page.waitForURL(`${origin}/elsewhere/`);
    await settled(page, true);
  });

  test("getProviders() names its addresses", async (t) => {
    const providers = await call(await open(await rig.context(t), "/elsewhere/"), "getProviders");
    assert.equal(providers.local.signinUrl, `${origin}/accounts/auth/signin/local`);
    assert.equal(providers.local.callbackUrl, `${origin}/accounts/auth/callback/local`);
  });
});
