// signIn("email") with the unmodified clients, its links, and the pages around them.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { dialects } from "./rig/dialects.mjs";
import { mailRealm, startMail } from "./rig/mail.mjs";
import { call, leave, open, settled, shownSession, submit } from "./rig/pages.mjs";
import { startRig } from "./rig/rig.mjs";

const mail = await startMail();
const realm = `${mailRealm(mail)}
email {
	id plain-link
	name "Plain Link"
	from no-reply@example.com
	smtp ${mail.address} {
		tls off
	}
	confirm off
}
email {
	id short
	name Short
	from no-reply@example.com
	smtp ${mail.address} {
		tls off
	}
	confirm off
	max_age 1s
}`;

for (const dialect of dialects) {
  const rig = await startRig({ realm }, dialect);
  after(rig.stop);
  describe(`dialect ${dialect.name}`, () => suite(dialect, rig));
}
after(mail.stop);

// Each test has an address of its own, so that none reaches a limit of another's.
let count = 0;
const newAddress = () => `dora${++count}@mail.example.com`;

function suite(dialect, rig) {
  const { origin } = rig;

  const button = (page) => page.locator('form[action*="/auth/callback/"]');
  const verifyRequest = (id) => `${origin}/api/auth/verify-request?provider=${id}&type=email`;
  const deadLink = async (page) => {
    await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
    assert.equal(page.url(), `${origin}/api/auth/error?error=Verification`);
  };

  /** Asks for a link without leaving the page, and returns it. */
  async function askFor(page, id, address, client = dialect.clients[0]) {
    const result = await call(page, "signIn", id, { email: address, redirect: false, callbackUrl: "/guarded/a.html?q=1" });
    assert.deepEqual(result, client.result({ status: 200, ok: true, url: verifyRequest(id) }));
    return (await mail.to(address)).link;
  }

  for (const client of dialect.clients) {
    const { name, home } = client;
    describe(name, () => {
      test("signIn(\"email\") leads to the page that says where to look, and the link signs in", async (t) => {
        const page = await open(await rig.context(t), home);
        const address = newAddress();
        await leave(page, "signIn", "email", { email: address, callbackUrl: "/guarded/a.html?q=1" });
        await page.waitForURL(verifyRequest("email"));
        await page.getByText(address).waitFor();
        await page.getByText("within 30 minutes").waitFor();
        await page.goto((await mail.to(address)).link);
        await page.getByText(address).waitFor();
        await submit(button(page));
        await page.waitForURL(`${origin}/guarded/a.html?q=1`);
        await page.getByRole("heading", { name: "Page A" }).waitFor();
        await settled(await open(page.context(), home), true);
      });

      test("signIn(\"email\", {redirect:false}) stays, and the link works in another browser", async (t) => {
        const page = await open(await rig.context(t), home);
        const address = newAddress();
        const link = await askFor(page, "email", address, client);
        assert.equal(page.url(), origin + home, "the page was left");
        const other = await (await rig.context(t)).newPage();
        await other.goto(link);
        await submit(button(other));
        await other.waitForURL(`${origin}/guarded/a.html?q=1`);
        const session = await shownSession(await open(other.context(), home));
        assert.equal(session.user.email, address);
        assert.equal(await call(page, "getSession"), null, "the browser that asked is signed in, too");
      });

      test("signIn(\"email\") with what is no address", async (t) => {
        const page = await open(await rig.context(t), home);
        const result = await call(page, "signIn", "email", { email: "dora", redirect: false });
        assert.deepEqual(result, client.result({ error: "EmailSignin", status: 200, ok: true, url: null }));
        await leave(page, "signIn", "email", { email: "dora@nowhere" });
        await page.getByRole("alert").waitFor();
        assert.equal(page.url(), `${origin}/api/auth/signin?error=EmailSignin`);
        await page.getByText("Reference:").waitFor();
      });
    });
  }

  test("getProviders() lists them as NextAuth does", async (t) => {
    const { email } = await call(await open(await rig.context(t), dialect.clients[0].home), "getProviders");
    assert.deepEqual(email, {
      id: "email", name: "Email", type: "email",
      signinUrl: `${origin}/api/auth/signin/email`, callbackUrl: `${origin}/api/auth/callback/email`,
    });
  });

  test("a link works once", async (t) => {
    const page = await open(await rig.context(t), dialect.clients[0].home);
    for (const id of ["email", "plain-link"]) {
      const link = await askFor(page, id, newAddress());
      const first = await (await rig.context(t)).newPage();
      await first.goto(link);
      if (id === "email") await submit(button(first));
      await first.waitForURL(`${origin}/guarded/a.html?q=1`);
      const second = await (await rig.context(t)).newPage();
      await second.goto(link);
      if (id === "email") await submit(button(second));
      await deadLink(second);
    }
  });

  test("a link that has expired says so, and leads to a new one", async (t) => {
    const page = await open(await rig.context(t), dialect.clients[0].home);
    const address = newAddress();
    const link = await askFor(page, "short", address);
    await page.waitForTimeout(1500);
    await page.goto(link);
    await deadLink(page);
    await page.getByRole("link", { name: "Get a new link" }).click();
    await page.waitForURL(`${origin}/api/auth/signin`);
  });

  test("programs that open the link first spend nothing", async (t) => {
    const page = await open(await rig.context(t), dialect.clients[0].home);
    const link = await askFor(page, "email", newAddress());
    assert.equal((await fetch(link, { method: "HEAD" })).status, 400);
    for (let visits = 0; visits < 3; visits++) assert.equal((await fetch(link)).status, 200);
    await page.goto(link);
    await submit(button(page));
    await page.waitForURL(`${origin}/guarded/a.html?q=1`);
    const plainLink = await askFor(await open(await rig.context(t), dialect.clients[0].home), "plain-link", newAddress());
    assert.equal((await fetch(plainLink, { method: "HEAD" })).status, 400);
    const other = await (await rig.context(t)).newPage();
    await other.goto(plainLink);
    await other.waitForURL(`${origin}/guarded/a.html?q=1`);
  });

  test("all of it works without JavaScript, from the guarded page and back", async (t) => {
    const context = await rig.context(t, { javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto("/guarded/a.html?q=2");
    const address = newAddress();
    const form = page.locator('form[action$="/auth/signin/email"]');
    await form.locator('[name="email"]').fill(address);
    await submit(form);
    await page.waitForURL(verifyRequest("email"));
    await page.getByText(address).waitFor();
    await mail.to(address);
    await page.getByRole("button", { name: "Send it again" }).click();
    await page.waitForURL(verifyRequest("email"));
    await page.goto((await mail.to(address)).link);
    await submit(button(page));
    await page.waitForURL(`${origin}/guarded/a.html?q=2`);
  });

  // The last one, for Caddy starts anew with a page for new people.
  test("a person's first sign-in leads to the page for new people, the next one back", async (t) => {
    await rig.restart({ realm: `${realm}\npages {\n\tnew_user /plain/welcome\n}` });
    const address = newAddress();
    const back = `${origin}/guarded/a.html?q=1`;
    for (const end of [`${origin}/plain/welcome?callbackUrl=${encodeURIComponent(back)}`, back]) {
      const page = await open(await rig.context(t), dialect.clients[0].home);
      await page.goto(await askFor(page, "plain-link", address));
      await page.waitForURL(end);
      await settled(await open(page.context(), dialect.clients[1].home), true);
    }
  });
}
