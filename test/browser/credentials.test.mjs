// A second credentials provider, with a form field and a back end of its own.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { dialects } from "./rig/dialects.mjs";
import { dora, startLogin } from "./rig/login.mjs";
import { call, open, settled, shownSession, submit } from "./rig/pages.mjs";
import { startRig } from "./rig/rig.mjs";

const login = await startLogin();
after(login.stop);
const site = {
  realm: `credentials {
			id staff
			name "Staff portal"
			http ${login.url} {
				field otp "One-time code" {
					autocomplete one-time-code
					optional
				}
			}
		}`,
};

for (const dialect of dialects) {
  const rig = await startRig(site, dialect);
  after(rig.stop);
  describe(`dialect ${dialect.name}`, () => suite(dialect, rig));
}

function suite(dialect, rig) {
  const { origin } = rig;
  const right = { redirect: false, ...dora, callbackUrl: "/foo" };

  for (const { name, home, result: shape } of dialect.clients) {
    describe(name, () => {
      test("signIn(\"staff\", {redirect:false}) with the right password and code", async (t) => {
        const page = await open(await rig.context(t), home);
        assert.deepEqual(await call(page, "signIn", "staff", right), shape({
          status: 200, ok: true, url: `${origin}/foo`,
        }));
        await settled(page, true);
        const { user } = await shownSession(page);
        assert.equal(user.name, "Dora Example");
        assert.equal(user.email, "dora@example.com");
      });

      for (const [what, typed, error] of [
        ["the wrong password", { password: "wrong" }, "CredentialsSignin"],
        ["no code", { otp: "" }, "CodeRequired"],
        ["another provider's user", { username: "alice", password: "correct horse" }, "CredentialsSignin"],
      ]) {
        test(`signIn("staff", {redirect:false}) with ${what}`, async (t) => {
          const page = await open(await rig.context(t), home);
          assert.deepEqual(await call(page, "signIn", "staff", { ...right, ...typed }), shape(dialect.refused(error)));
          assert.equal(await call(page, "getSession"), null);
        });
      }

      test("signIn(\"staff\", {redirect:false}) while the back end is down", async (t) => {
        const page = await open(await rig.context(t), home);
        login.down = true;
        t.after(() => { login.down = false; });
        assert.deepEqual(await call(page, "signIn", "staff", right), shape({
          error: "Unavailable", status: 503, ok: false, url: null,
        }));
      });

      test("signIn(\"staff\", {redirect:false}) after too many wrong passwords", async (t) => {
        const page = await open(await rig.context(t), home);
        const guess = { ...right, username: `guessed-at-${home.slice(1, -1)}`, password: "wrong" };
        let result;
        for (let i = 0; i < 8 && result?.status !== 429; i++) result = await call(page, "signIn", "staff", guess);
        assert.deepEqual(result, shape(dialect.throttled));
      });
    });
  }

  test("the sign-in page draws both forms, each with its fields", async (t) => {
    const page = await (await rig.context(t)).newPage();
    await page.goto("/api/auth/signin?callbackUrl=/guarded/a.html");
    const form = page.locator('form[action$="/auth/callback/staff"]');
    assert.equal(await page.locator('form[action$="/auth/callback/credentials"] input:not([type="hidden"])').count(), 2);
    await form.getByLabel("Username").fill(dora.username);
    await form.getByLabel("Password", { exact: true }).fill(dora.password);
    await submit(form);
    await form.getByRole("alert").waitFor();
    assert.match(await form.getByRole("alert").textContent(), /asks for a code/);
    assert.equal(await form.getByLabel("Username").inputValue(), dora.username);
    await form.getByLabel("Password", { exact: true }).fill(dora.password);
    await form.getByLabel("One-time code").fill(dora.otp);
    await submit(form);
    await page.getByRole("heading", { name: "Page A" }).waitFor();
  });
}
