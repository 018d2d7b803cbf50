// The gateway's pages without JavaScript.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { alice } from "./rig/caddy.mjs";
import { logInAtProvider, passwordForm, providerForm, signInWithPassword, signOutForm, submit } from "./rig/pages.mjs";
import { startRig } from "./rig/rig.mjs";

const rig = await startRig();
after(rig.stop);
const { origin } = rig;

async function scriptless(t, address) {
  const context = await rig.context(t, { javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

const pageA = (page) => page.getByRole("heading", { name: "Page A" }).waitFor();

describe("without JavaScript", () => {
  test("a password signs in", async (t) => {
    const page = await scriptless(t, "/guarded/a.html?q=1");
    await signInWithPassword(page);
    await page.waitForURL(`${origin}/guarded/a.html?q=1`);
    await pageA(page);
  });

  test("the password form can be sent with the keyboard alone", async (t) => {
    const page = await scriptless(t, "/guarded/a.html");
    const focused = page.locator(":focus");
    const onUsername = async () => (await focused.count()) === 1 && (await focused.getAttribute("name")) === "username";
    for (let presses = 0; presses < 20 && !(await onUsername()); presses++) await page.keyboard.press("Tab");
    assert.ok(await onUsername(), "Tab never reached the user name");
    await page.keyboard.type(alice.username);
    await page.keyboard.press("Tab");
    assert.equal(await focused.getAttribute("name"), "password");
    await page.keyboard.type(alice.password);
    await page.keyboard.press("Enter");
    await pageA(page);
  });

  test("a wrong password says so at the form, keeps the user name and waits for the password", async (t) => {
    const page = await scriptless(t, "/guarded/a.html");
    await signInWithPassword(page, "wrong");
    await page.waitForURL(`${origin}/api/auth/signin?*`);
    const form = passwordForm(page);
    await form.getByRole("alert").waitFor();
    assert.equal(await form.locator('[name="username"]').inputValue(), alice.username);
    const password = form.locator('[name="password"]');
    assert.equal(await password.inputValue(), "");
    assert.ok(await password.evaluate((field) => field === document.activeElement), "the focus is elsewhere");
    await password.fill(alice.password);
    await submit(form);
    await pageA(page);
  });

  test("the provider's button signs in", async (t) => {
    const page = await scriptless(t, "/guarded/a.html?q=1");
    await submit(providerForm(page));
    await logInAtProvider(page);
    await page.waitForURL(`${origin}/guarded/a.html?q=1`);
    await pageA(page);
  });

  test("the sign-out page signs out", async (t) => {
    const page = await scriptless(t, "/guarded/a.html");
    await signInWithPassword(page);
    await pageA(page);
    await page.goto("/api/auth/signout");
    await page.getByText("Alice Example").first().waitFor();
    await submit(signOutForm(page));
    await page.waitForURL((url) => !url.pathname.startsWith("/api/auth/signout"));
    await page.goto("/guarded/a.html");
    await page.waitForURL(`${origin}/api/auth/signin?*`);
  });

  test("a guarded form that is sent while signed out says that nothing was saved", async (t) => {
    const page = await scriptless(t, "/form.html");
    const answered = page.waitForResponse(`${origin}/api/echo/save`);
    await page.getByRole("button", { name: "Save" }).click();
    assert.equal((await answered).status(), 401);
    await page.getByText(/not saved/i).waitFor();
    assert.equal(await page.getByRole("link").first().getAttribute("target"), "_top");
  });
});
