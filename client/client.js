/**
 * The gateway's own browser client: the calls of next-auth/react v4, with its
 * signatures and results, for pages without React or a build step. It works in
 * both dialects of the gateway.
 *
 *     import { signIn, signOut, getSession } from "/api/auth/client.js";
 *
 * It talks to the folder that it was loaded from, so any base_path works.
 * client.d.ts has the types.
 */
const base = new URL(".", import.meta.url).href;

// The names and message forms of next-auth v4 and v5: all clients on one site hear each other.
const channel = "nextauth.message";
const tabs = new BroadcastChannel("next-auth");

/** @type {Set<(session: object | null) => void>} */
const listeners = new Set();
let latestRefresh = 0;
let latestHeard = "";

/**
 * Signs in with a provider, or opens the sign-in page when none of this site's
 * is named. Resolves to `{ error, status, ok, url }` for credentials and e-mail
 * with `redirect: false`, and under `dialect authjs` to a `code` beside an error
 * that has one; in every other case the browser leaves the page.
 *
 * @param {string} [provider] id, as in getProviders()
 * @param {object} [options] callbackUrl (default: this page), redirect, and the form's fields
 * @param {string | string[][] | Record<string, string> | URLSearchParams} [authorizationParams]
 *   for the provider's authorization endpoint, e.g. `{ prompt: "login" }`
 */
export async function signIn(provider, options, authorizationParams) {
  const { callbackUrl = location.href, redirect = true } = options ?? {};
  const providers = await getProviders();
  if (!providers) return navigate(base + "error");
  if (!Object.hasOwn(providers, provider ?? "")) {
    return navigate(base + "signin?" + new URLSearchParams({ callbackUrl }));
  }

  const { type } = providers[provider];
  const action = type === "credentials" ? "callback" : "signin";
  const query = authorizationParams ? "?" + new URLSearchParams(authorizationParams) : "";
  const response = await post(`${action}/${provider}${query}`, { ...options, callbackUrl });
  const data = await response.json();
  if (redirect || (type !== "credentials" && type !== "email")) return navigate(data.url ?? callbackUrl);

  // An answer without an address is no sign-in: this throws, as it does in next-auth.
  const { searchParams } = new URL(data.url);
  const error = searchParams.get("error");
  const code = searchParams.get("code");
  if (response.ok) await refresh();
  return { error, ...(error && code && { code }), status: response.status, ok: response.ok, url: error ? null : data.url };
}

/**
 * Signs out, in every tab. Resolves to `{ url }` with `redirect: false`;
 * otherwise the browser goes there.
 *
 * @param {{ callbackUrl?: string, redirect?: boolean, everywhere?: boolean }} [options]
 *   callbackUrl: default this page; everywhere: end the person's other sessions too (beyond next-auth)
 */
export async function signOut(options) {
  const { callbackUrl = location.href, redirect } = options ?? {};
  const fields = { callbackUrl };
  if (options?.everywhere) fields.everywhere = "true";
  const response = await post("signout", fields);
  const data = await response.json();
  broadcast("signout");
  if (redirect ?? true) return navigate(data.url ?? callbackUrl);
  await refresh();
  return data;
}

/**
 * The session, or null when signed out. Tells the other tabs to look again,
 * unless `broadcast: false`.
 *
 * @param {{ broadcast?: boolean }} [options]
 */
export async function getSession(options) {
  const session = await get("session");
  if (options?.broadcast ?? true) broadcast("getSession");
  return session;
}

/** The token that every hand-made POST to these endpoints needs in its body. */
export async function getCsrfToken() {
  return (await get("csrf"))?.csrfToken;
}

/** The ways to sign in, by id: `{ id, name, type, signinUrl, callbackUrl }`. */
export function getProviders() {
  return get("providers");
}

/**
 * Calls back with the session when it may have changed: by another tab, by
 * signIn() or signOut() here, or while this tab was hidden. Beyond next-auth.
 *
 * @param {(session: object | null) => void} callback
 * @returns {() => void} stops it
 */
export function onSessionChange(callback) {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

addEventListener("storage", ({ key, newValue }) => {
  if (key === channel && newValue?.includes('"session"')) hear(newValue);
});
tabs.addEventListener("message", ({ data }) => {
  if (data?.event === "session") hear(JSON.stringify(data));
});
addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") refresh();
});

// What client.js tells comes both ways, and is worth one look. What v5 tells is always the same.
function hear(message) {
  if (message === latestHeard && message.includes("timestamp")) return;
  latestHeard = message;
  refresh();
}

async function refresh() {
  if (listeners.size === 0) return;
  const turn = ++latestRefresh;
  // Not broadcast: two tabs would answer each other for ever.
  const session = await getSession({ broadcast: false });
  // An answer that was overtaken by a later one is old news.
  if (turn === latestRefresh) listeners.forEach((callback) => callback(session));
}

function broadcast(trigger) {
  // Not rounded to seconds: a message equal to the last one would not be heard.
  const message = { event: "session", data: { trigger }, timestamp: Date.now() / 1000 };
  tabs.postMessage(message);
  try {
    localStorage.setItem(channel, JSON.stringify(message));
  } catch {
    // No storage, no other tabs to tell.
  }
}

async function get(path) {
  const url = base + path;
  try {
    const response = await fetch(url);
    const data = await response.json();
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    return data && Object.keys(data).length > 0 ? data : null;
  } catch (error) {
    console.error("CLIENT_FETCH_ERROR", url, error);
    const report = { level: "error", code: "CLIENT_FETCH_ERROR", url, message: error.message, client: "true" };
    navigator.sendBeacon?.(base + "_log", new URLSearchParams(report));
    return null;
  }
}

async function post(path, fields) {
  const csrfToken = await getCsrfToken();
  // The field is v4's way to ask for JSON, the header v5's.
  const body = new URLSearchParams({ ...fields, csrfToken, json: "true" });
  return fetch(base + path, { method: "POST", headers: { "X-Auth-Return-Redirect": "1" }, body });
}

function navigate(url) {
  location.href = url;
  // A step to a fragment of this very page has happened by now and loaded nothing.
  if (url.includes("#") && location.href === new URL(url, location.href).href) location.reload();
}
