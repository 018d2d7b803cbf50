// What a person does on the gateway's and the provider's pages. The forms are
// found by what they post to, which is part of the protocol; how they look is not.
import { alice } from "./caddy.mjs";
import { dialects } from "./dialects.mjs";

/** The clients of the default dialect. */
export const { clients } = dialects[0];

export const passwordForm = (page) => page.locator('form[action$="/auth/callback/credentials"]');
export const providerForm = (page) => page.locator('form[action$="/auth/signin/local"]');
export const signOutForm = (page) => page.locator('form[action$="/auth/signout"]');
export const submit = (form) => form.locator('button:not([type="button"]), [type="submit"]').first().click();

export async function signInWithPassword(page, password = alice.password) {
  const form = passwordForm(page);
  await form.locator('[name="username"]').fill(alice.username);
  await form.locator('[name="password"]').fill(password);
  await submit(form);
}

/** Logs in at the provider, which redirects back to the site. */
export async function logInAtProvider(page, login = "dora") {
  await page.locator('[name="login"]').fill(login);
  await answerAtProvider(page, "Log in");
}

/**
 * Sends the provider's form with one of its buttons. No click: Chromium loses one
 * now and then on a page of another site that it has only just shown.
 */
export function answerAtProvider(page, button) {
  return page.getByRole("button", { name: button }).evaluate((each) => each.form.requestSubmit(each));
}

/** Opens a client's page and waits until it knows whether someone is signed in. */
export async function open(context, address) {
  const page = await context.newPage();
  await page.goto(address);
  await settled(page);
  return page;
}

/** Waits until the page of a client knows its session; signedIn says which is waited for. */
export async function settled(page, signedIn) {
  const state = { undefined: "authenticated|unauthenticated", true: "authenticated", false: "unauthenticated" };
  await page.locator("#status", { hasText: new RegExp(`^(${state[signedIn]})$`) }).waitFor();
}

/** The result of one of the client's calls; undefined results arrive as undefined. */
export function call(page, name, ...args) {
  return page.evaluate(([name, args]) => window.auth[name](...args), [name, args]);
}

/** Makes a call that leaves the page. */
export function leave(page, name, ...args) {
  return page.evaluate(([name, args]) => void window.auth[name](...args), [name, args]);
}

/** Opens a client's page, signed in with the password user. */
export async function openSignedIn(context, address) {
  const page = await open(context, address);
  const { username, password } = alice;
  const result = await call(page, "signIn", "credentials", { redirect: false, username, password });
  if (!result.ok || result.error) throw new Error(`sign-in failed: ${JSON.stringify(result)}`);
  await settled(page, true);
  return page;
}

/** The session as the page shows it. */
export async function shownSession(page) {
  return JSON.parse(await page.locator("#session").textContent());
}
