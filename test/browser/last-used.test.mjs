// The sign-in page remembers, in this browser alone, which button was used last.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startRig } from "./rig/rig.mjs";

const rig = await startRig({ realm: "github client-id client-secret" });
after(rig.stop);

const labels = (page) => page.locator("form .provider").allInnerTexts();
const flat = (texts) => texts.map((text) => text.replace(/\s+/g, " ").replace(/^\w (?=Continue)/, ""));

test("the provider used last comes first and says so; in another browser it does not", async (t) => {
  const context = await rig.context(t);
  await context.route("https://github.com/**", (route) => route.fulfill({ body: "GitHub" }));
  const page = await context.newPage();
  await page.goto("/api/auth/signin");
  assert.deepEqual(flat(await labels(page)), ["Continue with Local Provider", "Continue with GitHub"]);
  await page.getByRole("button", { name: "Continue with GitHub" }).click();
  await page.waitForURL("https://github.com/**");

  await page.goto("/api/auth/signin");
  await page.getByText("Last used").waitFor();
  assert.deepEqual(flat(await labels(page)), ["Continue with GitHub Last used", "Continue with Local Provider"]);

  const other = await (await rig.context(t)).newPage();
  await other.goto("/api/auth/signin");
  assert.deepEqual(flat(await labels(other)), ["Continue with Local Provider", "Continue with GitHub"]);
});
