// What a page knows of its session: the hook, its updates, and the other tabs.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { call, leave, open, openSignedIn, settled, shownSession, signInWithPassword } from "./rig/pages.mjs";
import { alice } from "./rig/caddy.mjs";
import { dialects, wantsJson } from "./rig/dialects.mjs";
import { startRig } from "./rig/rig.mjs";

for (const dialect of dialects) {
  const rig = await startRig({}, dialect);
  after(rig.stop);
  describe(`dialect ${dialect.name}`, () => suite(dialect, rig));
}

function suite(dialect, rig) {
  const { origin } = rig;
  const sessionCookie = async (context) =>
    (await context.cookies(origin)).find(({ name }) => name === dialect.cookie)?.value;

  /** Ends the session as another device would: no page of the browser hears of it. */
  async function signOutSilently(context) {
    const { csrfToken } = await (await context.request.get("/api/auth/csrf")).json();
    const form = { csrfToken, json: "true" };
    assert.equal((await context.request.post("/api/auth/signout", { form, headers: wantsJson })).status(), 200);
  }

  /**
   * Waits until another message can be heard. next-auth's carry whole seconds, and
   * one that equals the last is no change of the storage: browsers tell nobody.
   */
  const untilAudible = (page) => page.waitForFunction(() => {
    const last = JSON.parse(localStorage.getItem("nextauth.message") ?? '{"timestamp":0}');
    return last.timestamp < Math.floor(Date.now() / 1000);
  });

  /** Lets the page believe that its tab came to the front. */
  const comeToFront = (page) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));

  describe("useSession()", () => {
    test("is loading until the session is known", async (t) => {
      const context = await rig.context(t);
      let answer;
      const asked = new Promise((resolve) => {
        context.route("**/api/auth/session", (route) => {
          answer = () => route.continue();
          resolve();
        });
      });
      const page = await context.newPage();
      await page.goto("/app/");
      await asked;
      await page.locator("#status", { hasText: /^loading$/ }).waitFor();
      await answer();
      await settled(page, false);
      assert.equal(await shownSession(page), null);
    });

    test("shows the person who is signed in", async (t) => {
      const page = await openSignedIn(await rig.context(t), "/app/");
      assert.equal((await shownSession(page)).user.email, "alice@example.com");
      await page.reload();
      await settled(page, true);
      assert.equal((await shownSession(page)).user.email, "alice@example.com");
    });

    test("with {required:true} sends a visitor to the sign-in page and back", async (t) => {
      const page = await (await rig.context(t)).newPage();
      await page.goto("/app/members/list?x=1#part");
      await page.waitForURL(`${origin}/api/auth/signin?*`);
      const { searchParams } = new URL(page.url());
      assert.equal(searchParams.get("error"), "SessionRequired");
      assert.equal(searchParams.get("callbackUrl"), `${origin}/app/members/list?x=1#part`);
      await signInWithPassword(page);
      await page.waitForURL(`${origin}/app/members/list?x=1#part`);
      await settled(page, true);
    });

    test("with {required:true} shows the page to a person who is signed in", async (t) => {
      const context = await rig.context(t);
      await openSignedIn(context, "/app/");
      const page = await open(context, "/app/members/list");
      assert.equal((await shownSession(page)).user.name, "Alice Example");
      assert.equal(page.url(), `${origin}/app/members/list`);
    });
  });

  describe("update()", () => {
    test("renews the session, and other tabs hear of it", async (t) => {
      const context = await rig.context(t);
      const page = await openSignedIn(context, "/app/");
      const other = await open(context, "/app/");
      const before = await sessionCookie(context);
      await untilAudible(page);
      const heard = other.waitForResponse("**/api/auth/session");
      const session = await call(page, "update");
      assert.equal(session.user.name, "Alice Example");
      assert.notEqual(await sessionCookie(context), before, "the cookie was not renewed");
      await heard;
      await settled(page, true);
      await settled(other, true);
    });

    test("with data changes nothing of who the person is", async (t) => {
      const page = await openSignedIn(await rig.context(t), "/app/");
      const { user } = await call(page, "getSession");
      const data = { name: "Mallory", email: "mallory@example.com", sub: "mallory", groups: ["root"], user: { name: "Mallory" } };
      assert.deepEqual((await call(page, "update", data)).user, user);
      assert.deepEqual((await call(page, "getSession")).user, user);
    });

    test("without a valid token is 400 and keeps the session", async (t) => {
      const page = await openSignedIn(await rig.context(t), "/app/");
      const answer = await page.evaluate(async () => {
        const headers = { "Content-Type": "application/json" };
        const response = await fetch("/api/auth/session", { method: "POST", headers, body: JSON.stringify({ data: {} }) });
        return { status: response.status, body: await response.json() };
      });
      assert.deepEqual(answer, { status: 400, body: dialect.nobody });
      assert.ok(await call(page, "getSession"));
    });
  });

  describe("tabs", () => {
    for (const first of dialect.clients) {
      for (const second of dialect.clients) {
        test(`signOut() in a tab of ${first.name} is followed by one of ${second.name}`, async (t) => {
          const context = await rig.context(t);
          const page = await openSignedIn(context, first.home);
          const other = await open(context, second.home);
          await settled(other, true);
          await call(page, "signOut", { redirect: false });
          await settled(page, false);
          await settled(other, false);
          assert.equal(await shownSession(other), null);
        });

        test(`a sign-in in a tab of ${first.name} is followed by one of ${second.name}`, async (t) => {
          const context = await rig.context(t);
          const other = await open(context, second.home);
          await settled(other, false);
          const page = await open(context, first.home);
          await untilAudible(page);
          const { username, password } = alice;
          await leave(page, "signIn", "credentials", { username, password, callbackUrl: `${first.home}?in` });
          await page.waitForURL(`${origin}${first.home}?in`);
          await settled(other, true);
          assert.equal((await shownSession(other)).user.name, "Alice Example");
        });
      }
    }

    for (const { name, home, looks } of dialect.clients) {
      test(`a tab of ${name} that comes to the front looks again`, async (t) => {
        const context = await rig.context(t);
        const page = await openSignedIn(context, home);
        await signOutSilently(context);
        await comeToFront(page);
        await settled(page, false);
      });

      test(`getSession() in a tab of ${name} is not answered by the other tabs`, async (t) => {
        const context = await rig.context(t);
        const page = await openSignedIn(context, home);
        const other = await open(context, home);
        await settled(other, true);
        await untilAudible(page);
        let asked = 0;
        page.on("request", (request) => { asked += request.url().endsWith("/api/auth/session"); });
        const heard = other.waitForResponse("**/api/auth/session");
        await call(page, "getSession");
        await heard;
        // A message of the other tab would arrive before one that it posts now.
        await Promise.all([
          page.evaluate(() => new Promise((resolve) => {
            addEventListener("storage", ({ key }) => { if (key === "end of the test") resolve(); });
          })),
          other.evaluate(() => localStorage.setItem("end of the test", Math.random())),
        ]);
        assert.ok(asked >= 1 && asked <= looks, `it was asked for ${asked} times`);
      });
    }

    test("onSessionChange() of client.js is quiet after it was stopped", async (t) => {
      const context = await rig.context(t);
      const page = await openSignedIn(context, "/plain/");
      await page.evaluate(() => {
        window.heard = [];
        window.stopHearing = window.auth.onSessionChange((session) => window.heard.push(session?.user.name ?? null));
      });
      await comeToFront(page);
      await page.waitForFunction(() => window.heard.length === 1);
      await page.evaluate(() => window.stopHearing());
      await signOutSilently(context);
      await comeToFront(page);
      await settled(page, false);
      assert.deepEqual(await page.evaluate(() => window.heard), ["Alice Example"]);
    });
  });
}
