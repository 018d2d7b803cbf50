// The states of the gateway's pages: what is looked at by axe and in screenshots.
import { openSignedIn, passwordForm, signInWithPassword, submit } from "./pages.mjs";

const signedIn = async (context, address) => {
  const page = await openSignedIn(context, "/plain/");
  await page.goto(address);
  return page;
};

const signedOut = async (context, address) => {
  const page = await context.newPage();
  await page.goto(address);
  return page;
};

/** Each opens its page in a fresh context. */
export const states = {
  "signin": (context) => signedOut(context, "/guarded/a.html"),
  "signin-wrong-password": async (context) => {
    const page = await signedOut(context, "/guarded/a.html");
    await signInWithPassword(page, "wrong");
    await passwordForm(page).getByRole("alert").waitFor();
    return page;
  },
  "signin-session-required": (context) => signedOut(context, "/api/auth/signin?error=SessionRequired"),
  "signin-provider-failed": (context) => signedOut(context, "/api/auth/signin?error=OAuthCallback"),
  "signin-signed-in": (context) => signedIn(context, "/api/auth/signin"),
  "signout": (context) => signedIn(context, "/api/auth/signout"),
  "signout-signed-out": (context) => signedOut(context, "/api/auth/signout"),
  "error-access-denied": (context) => signedOut(context, "/api/auth/error?error=AccessDenied"),
  "error-configuration": (context) => signedOut(context, "/api/auth/error?error=Configuration"),
  "error-verification": (context) => signedOut(context, "/api/auth/error?error=Verification"),
  "error-unknown": (context) => signedOut(context, "/api/auth/error?error=Nonsense"),
  "verify-request": (context) => signedOut(context, "/api/auth/verify-request?provider=email&type=email"),
  "verify-request-sent": async (context) => {
    const page = await signedOut(context, "/api/auth/signin");
    const form = page.locator('form[action$="/auth/signin/email"]');
    await form.locator('[name="email"]').fill("dora@mail.example.com");
    await submit(form);
    await page.getByText("dora@mail.example.com").waitFor();
    return page;
  },
  "signin-email-failed": async (context) => {
    const page = await signedOut(context, "/api/auth/signin");
    const form = page.locator('form[action$="/auth/signin/email"]');
    await form.locator('[name="email"]').fill("dora@example");
    await submit(form);
    await form.getByRole("alert").waitFor();
    return page;
  },
  "link": (context) => signedOut(context, `/api/auth/callback/email?callbackUrl=%2F&token=${"0".repeat(64)}&email=dora%40mail.example.com`),
  "link-dead": async (context) => {
    const page = await signedOut(context, `/api/auth/callback/email?callbackUrl=%2F&token=${"0".repeat(64)}&email=dora%40mail.example.com`);
    await submit(page.locator('form[action$="/auth/callback/email"]'));
    await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
    return page;
  },
  "forbidden": (context) => signedIn(context, "/nobody/"),
  "not-saved": async (context) => {
    const page = await signedOut(context, "/form.html");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL("**/api/echo/save");
    return page;
  },
};

/** The ways in which each is looked at. */
export const looks = [320, 1280].flatMap((width) => ["light", "dark"].map((colorScheme) => ({
  name: `${colorScheme}-${width}`,
  width,
  async apply(page) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 800 });
  },
})));
