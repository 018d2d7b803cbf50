// A provider that answers with a form posted from its own site, as Apple does: a
// real browser must come back with its cookies, which are SameSite=Lax.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { leave, logInAtProvider, open, settled, shownSession } from "./rig/pages.mjs";
import { startRig } from "./rig/rig.mjs";

describe("a provider that answers by form_post", async () => {
  const rig = await startRig({ provider: "params response_mode=form_post" });
  after(rig.stop);
  const { origin } = rig;

  test("signs the person in", async (t) => {
    const context = await rig.context(t);
    const page = await open(context, "/plain/");
    const asked = [];
    page.on("request", (request) => {
      if (request.url().startsWith(`${origin}/api/auth/callback/local`)) asked.push(request);
    });
    await leave(page, "signIn", "local", { callbackUrl: "/plain/?in" });
    await logInAtProvider(page, "dora");
    await page.waitForURL(`${origin}/plain/?in`);
    await settled(page, true);
    assert.equal((await shownSession(page)).user.name, "Dora Example");
    assert.deepEqual(asked.map((request) => request.method()), ["POST", "GET"]);
    const sent = await Promise.all(asked.map((request) => request.allHeaders()));
    assert.equal(sent[0].cookie, undefined, "the form carries no cookies");
    assert.match(sent[1].cookie, /next-auth\.state\./);
  });
});
