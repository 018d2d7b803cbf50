// The session cookie as a Node back end sees it, with the unmodified next-auth
// package and the shared secret, in both directions.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { secret } from "./rig/caddy.mjs";
import { dialects } from "./rig/dialects.mjs";
import { call, leave, logInAtProvider, open, openSignedIn, settled, shownSession } from "./rig/pages.mjs";
import { people } from "./rig/provider.mjs";
import { cookieHeader, startRig } from "./rig/rig.mjs";

for (const dialect of dialects) {
  const rig = await startRig({}, dialect);
  after(rig.stop);
  // next-auth/react reads it when it is loaded.
  process.env.NEXTAUTH_URL = rig.origin;
  const client = await import(`${dialect.package}/react`);
  const jwt = await import(`${dialect.package}/jwt`);
  describe(`dialect ${dialect.name}`, () => suite(dialect, rig, client, jwt.default ?? jwt));
}

function suite(dialect, rig, client, { decode, encode, getToken }) {
  const { origin } = rig;
  const { cookie: cookieName, chunkSize } = dialect;

  /** A request as getToken() takes it: v4 reads what Next.js parsed, v5 the header. */
  const requestWith = (cookies) => ({
    cookies,
    headers: { cookie: Object.entries(cookies).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("; ") },
  });

  const sessionOf = async (cookie) => (await fetch(`${origin}/api/auth/session`, { headers: { cookie } })).json();
  const cookiesOf = async (context) =>
    Object.fromEntries((await context.cookies(origin)).map(({ name, value }) => [name, decodeURIComponent(value)]));
  const tokenOf = async (context, secretThere = secret) =>
    getToken({ req: requestWith(await cookiesOf(context)), secret: secretThere });

  /** A Cookie header with a token as next-auth sends it: in chunks when it is long. */
  function sessionCookie(token) {
    if (token.length <= chunkSize) return `${cookieName}=${token}`;
    const chunks = token.match(new RegExp(`.{1,${chunkSize}}`, "g"));
    return chunks.map((chunk, index) => `${cookieName}.${index}=${chunk}`).join("; ");
  }

  /** Signs in at the provider and returns the page that shows it. */
  async function signInAtProvider(context, login) {
    const page = await open(context, "/app/");
    await leave(page, "signIn", "local", { callbackUrl: "/app/?in" });
    await logInAtProvider(page, login);
    await page.waitForURL(`${origin}/app/?in`);
    await settled(page, true);
    return page;
  }

  describe("getSession() from a server with the visitor's cookie", () => {
    test("of next-auth/react is the session that the visitor's browser shows", async (t) => {
      const context = await rig.context(t);
      const page = await openSignedIn(context, "/app/");
      const session = await dialect.serverSession(client, await cookieHeader(context, origin));
      assert.deepEqual(session.user, (await shownSession(page)).user);
      assert.ok(new Date(session.expires) > new Date());
    });

    test("of next-auth/react is null for a visitor who is not signed in", async (t) => {
      const context = await rig.context(t);
      await open(context, "/app/");
      assert.equal(await dialect.serverSession(client, await cookieHeader(context, origin)), null);
    });

    test("ends with the visitor's sign-out, for every copy of the cookie", async (t) => {
      const context = await rig.context(t);
      const page = await openSignedIn(context, "/app/");
      const first = await cookieHeader(context, origin);
      await call(page, "update");
      const second = await cookieHeader(context, origin);
      assert.notEqual(first, second);
      for (const copy of [first, second]) assert.ok((await sessionOf(copy)).user);
      await call(page, "signOut", { redirect: false });
      for (const copy of [first, second]) {
        assert.deepEqual(await sessionOf(copy), dialect.nobody);
        const guarded = await fetch(`${origin}/api/echo/x`, { headers: { cookie: copy } });
        assert.equal(guarded.status, 401);
      }
    });
  });

  describe("getToken() and decode() of next-auth/jwt read the gateway's cookie", () => {
    test("of a password user", async (t) => {
      const context = await rig.context(t);
      await openSignedIn(context, "/app/");
      const token = await tokenOf(context);
      assert.equal(token.name, "Alice Example");
      assert.equal(token.email, "alice@example.com");
      assert.equal(token.provider, "credentials");
      for (const claim of ["sub", "sid", "realm", "jti"]) assert.equal(typeof token[claim], "string", claim);
      for (const claim of ["iat", "exp"]) assert.equal(typeof token[claim], "number", claim);
      const raw = (await cookiesOf(context))[cookieName];
      assert.deepEqual(await decode({ token: raw, secret, ...dialect.salt }), token);
    });

    test("of a person from the provider", async (t) => {
      const context = await rig.context(t);
      await signInAtProvider(context, "dora");
      const token = await tokenOf(context);
      assert.equal(token.sub, "dora");
      assert.equal(token.picture, people.dora.picture);
      assert.equal(token.provider, "local");
    });

    test("in chunks, and signOut() removes them all", async (t) => {
      const context = await rig.context(t);
      const page = await signInAtProvider(context, "grace");
      const names = Object.keys(await cookiesOf(context)).filter((name) => name.startsWith(cookieName)).sort();
      assert.deepEqual(names, [`${cookieName}.0`, `${cookieName}.1`]);
      assert.equal((await cookiesOf(context))[names[0]].length, chunkSize);
      assert.deepEqual((await tokenOf(context)).groups, people.grace.groups);
      assert.equal((await shownSession(page)).user.name, "Grace Example");
      assert.equal(await page.evaluate(async () => (await fetch("/api/echo/x")).status), 200);
      await call(page, "signOut", { redirect: false });
      assert.deepEqual(Object.keys(await cookiesOf(context)).filter((name) => name.startsWith(cookieName)), []);
    });
  });

  describe("the gateway accepts a token of next-auth/jwt's encode()", () => {
    const claims = { name: "Nora Next", email: "nora@example.com", picture: "https://img.example/n.png", sub: "42" };

    test("in the browser, and a gate tells the back end an id of next-auth's own", async (t) => {
      const context = await rig.context(t);
      await context.addCookies([{ name: cookieName, value: await encode({ token: claims, secret, ...dialect.salt }), url: origin }]);
      const page = await open(context, "/app/");
      await settled(page, true);
      assert.deepEqual((await shownSession(page)).user, {
        name: "Nora Next", email: "nora@example.com", image: "https://img.example/n.png",
      });
      const { headers } = await page.evaluate(async () => (await fetch("/api/echo/x")).json());
      assert.deepEqual(headers["remote-user"], ["nextauth:42"]);
      assert.equal(headers["remote-email"], undefined, "its address was never verified here");
      assert.equal(headers["remote-groups"], undefined);
      // What the gateway re-issued is still next-auth's to read.
      const { name, email, picture, sub } = await tokenOf(context);
      assert.deepEqual({ name, email, picture, sub }, claims);
    });

    test("until the person signs out here, for every copy", async (t) => {
      const context = await rig.context(t);
      const original = await encode({ token: claims, secret, ...dialect.salt });
      await context.addCookies([{ name: cookieName, value: original, url: origin }]);
      const page = await open(context, "/app/");
      await settled(page, true);
      const reissued = await cookieHeader(context, origin);
      await call(page, "signOut", { redirect: false });
      assert.deepEqual(await sessionOf(sessionCookie(original)), dialect.nobody);
      assert.deepEqual(await sessionOf(reissued), dialect.nobody);
    });

    test("in chunks", async () => {
      const cookie = sessionCookie(await encode({ token: { ...claims, more: "x".repeat(4000) }, secret, ...dialect.salt }));
      assert.match(cookie, /session-token\.1=/);
      assert.equal((await sessionOf(cookie)).user.name, "Nora Next");
      const withoutTheFirst = cookie.slice(cookie.indexOf("; ") + 2);
      assert.deepEqual(await sessionOf(withoutTheFirst), dialect.nobody);
    });

    test("but not of another secret, nor one that is over", async () => {
      const foreign = await encode({ token: claims, secret: "another secret that is long enough", ...dialect.salt });
      assert.deepEqual(await sessionOf(sessionCookie(foreign)), dialect.nobody);
      const over = await encode({ token: claims, secret, maxAge: -60, ...dialect.salt });
      assert.deepEqual(await sessionOf(sessionCookie(over)), dialect.nobody);
      const transient = await encode({ token: claims, secret, salt: cookieName.replace("session-token", "state") });
      assert.deepEqual(await sessionOf(sessionCookie(transient)), dialect.nobody);
    });
  });

  describe("a token is the gateway's by its mac, not by what it says", () => {
    const guarded = async (cookie) => {
      const answer = await fetch(`${origin}/api/echo/x`, { headers: { cookie } });
      return answer.status === 200 ? (await answer.json()).headers : answer.status;
    };

    test("so that a jwt callback makes nobody of it that its user isn't", async (t) => {
      const context = await rig.context(t);
      await openSignedIn(context, "/app/");
      const { sid, realm, provider, groups, login, auth_time, cred, mac } = await tokenOf(context);
      const claimed = { sid, realm, provider, groups, login, auth_time, email_verified: true };
      const mallory = { name: "Mallory", email: "alice@example.com", sub: "mallory" };
      for (const callback of [claimed, { ...claimed, cred, mac }, { ...claimed, mac: "A".repeat(22) }, { ...claimed, sid: undefined, user: "credentials:alice" }]) {
        const headers = await guarded(sessionCookie(await encode({ token: { ...mallory, ...callback }, secret, ...dialect.salt })));
        assert.deepEqual(headers["remote-user"], ["nextauth:mallory"]);
        assert.equal(headers["remote-email"], undefined);
        assert.equal(headers["remote-groups"], undefined);
      }
      assert.equal(typeof mac, "string");
      assert.equal((await sessionOf(await cookieHeader(context, origin))).mac, undefined);
    });

    test("and what the back end encodes again as it decoded it stays the gateway's", async (t) => {
      const context = await rig.context(t);
      await signInAtProvider(context, "ines");
      const token = await tokenOf(context);
      const again = sessionCookie(await encode({ token: { ...token, role: "reader" }, secret, ...dialect.salt }));
      const [before, headers] = [await guarded(await cookieHeader(context, origin)), await guarded(again)];
      assert.match(before["remote-groups"][0], /^crew,/);
      for (const name of ["remote-user", "remote-name", "remote-email", "remote-groups"]) assert.deepEqual(headers[name], before[name], name);

      const changed = sessionCookie(await encode({ token: { ...token, name: "Inés at work" }, secret, ...dialect.salt }));
      assert.deepEqual((await guarded(changed))["remote-user"], [`nextauth:${token.sub}`]);
      assert.equal((await guarded(changed))["remote-groups"], undefined);
      await call(context.pages()[0], "signOut", { redirect: false });
      assert.equal(await guarded(again), 401);
      assert.equal(await guarded(changed), 401);
    });
  });

  // The last two restart Caddy with other options.
  test("`upstream_cookies pass` lets getToken() of the back end read the session", async (t) => {
    await rig.restart({ realm: "upstream_cookies pass" });
    const page = await openSignedIn(await rig.context(t), "/app/");
    const received = await page.evaluate(async () => (await fetch("/api/echo/x")).json());
    const cookies = Object.fromEntries(received.headers.cookie[0].split("; ").map((pair) => pair.split(/=(.*)/)));
    const token = await getToken({ req: requestWith(cookies), secret });
    assert.equal(token.email, "alice@example.com");
  });

  test("`secret <new> <old>` keeps sessions and re-seals them with the new one", async (t) => {
    const newSecret = "the next secret of the browser tests, long enough";
    const context = await rig.context(t);
    const page = await openSignedIn(context, "/app/");
    const sealedWithOld = await cookieHeader(context, origin);
    const fromNextAuth = sessionCookie(await encode({ token: { name: "Nora Next", sub: "42" }, secret, ...dialect.salt }));

    await rig.restart({ secrets: `"${newSecret}" "${secret}"` });
    assert.equal((await sessionOf(fromNextAuth)).user.name, "Nora Next");
    await page.reload();
    await settled(page, true);
    assert.equal(await tokenOf(context), null, "still sealed with the old secret");
    assert.equal((await tokenOf(context, newSecret)).name, "Alice Example");

    await rig.restart({ secrets: `"${newSecret}"` });
    await page.reload();
    await settled(page, true);
    assert.deepEqual(await sessionOf(sealedWithOld), dialect.nobody);
    assert.deepEqual(await sessionOf(fromNextAuth), dialect.nobody);
  });
}
