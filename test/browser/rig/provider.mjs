// A certified OpenID provider with three people, and interaction pages as plain as can be.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { stopServer } from "./echo.mjs";

/** The people that can sign in; they need no password. */
export const people = {
  dora: { name: "Dora Example", email: "dora@example.com", picture: "https://img.example/dora.png" },
  ines: { name: "Inés Example \u2028\u{1f600}", email: "ines@example.com", groups: ["crew", "l\u2019équipe, \"A\"", ""] },
  // So many groups make a session cookie of several chunks.
  grace: {
    name: "Grace Example",
    email: "grace@example.com",
    groups: Array.from({ length: 120 }, (_, index) => `everyone-who-ever-worked-on-project-${index}`),
  },
};

export const client = { id: "browser-tests", secret: "a client secret that only the tests know" };

/**
 * Starts the provider on a free loopback port. PKCE is required. authorizeRequests
 * collects the query of every authorization request, oldest first.
 *
 * @param {string[]} redirectUris
 */
export async function startProvider(redirectUris) {
  const authorizeRequests = [];
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(redirectUris));
  const answer = provider.callback();

  server.on("request", (request, response) => {
    const url = new URL(request.url, issuer);
    if (url.pathname.startsWith("/interaction/")) {
      interact(provider, request, response).catch((error) => {
        response.writeHead(500).end(error.message);
      });
      return;
    }
    if (url.pathname === "/auth") authorizeRequests.push(Object.fromEntries(url.searchParams));
    answer(request, response);
  });
  return { issuer, authorizeRequests, stop: () => stopServer(server) };
}

function configuration(redirectUris) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "browser-tests" };
  return {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: redirectUris }],
    jwks: { keys: [key] },
    cookies: { keys: ["cookies of the browser tests' provider"] },
    pkce: { required: () => true },
    claims: { email: ["email", "email_verified"], profile: ["name", "picture", "groups"] },
    // next-auth reads the ID token alone; so that both read the same, it has all claims.
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 600, Session: 3600 },
    findAccount: (_, id) => people[id] && {
      accountId: id,
      claims: () => ({ sub: id, email_verified: true, ...people[id] }),
    },
    // Nobody is asked for consent.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  };
}

// The interaction page: GET shows a form, POST ends it with the person or with a refusal.
async function interact(provider, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    const hint = String(params.login_hint ?? "").replace(/[^a-z@.]/g, "");
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
    response.end(`<!doctype html><title>Provider</title><h1>Provider</h1>
      <form method="post"><input name="login" value="${hint}">
      <button>Log in</button> <button name="cancel" value="1">Cancel</button></form>`);
    return;
  }
  let body = "";
  for await (const part of request) body += part;
  const form = new URLSearchParams(body);
  const result = form.has("cancel")
    ? { error: "access_denied", error_description: "the person cancelled" }
    : { login: { accountId: form.get("login") } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}
