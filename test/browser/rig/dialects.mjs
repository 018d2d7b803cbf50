// The dialects of the gateway: what its clients see of the difference.

/** What signIn() resolves to, of next-auth 4, of next-auth 5, and of the gateway's own client. */
const resultV4 = ({ error = null, status, ok, url }) => ({ error, status, ok, url });
const resultV5 = ({ error, code, status, ok, url }) => ({ error, code, status, ok, url });
const resultOwn = ({ error = null, ...rest }) => ({ error, ...rest });

const own = { name: "client.js", home: "/plain/", result: resultOwn, looks: 1 };

/**
 * Each with the two clients that speak it, on pages that offer the same test
 * contract. `result` makes what a client's signIn() resolves to; `looks` is how
 * often its page asks for the session in one getSession().
 */
export const dialects = [
  {
    name: "next-auth",
    package: "next-auth",
    clients: [{ name: "next-auth/react", home: "/app/", result: resultV4, looks: 1 }, own],
    cookie: "next-auth.session-token",
    chunkSize: 3933,
    salt: {},
    oidcType: "oauth",
    nobody: {},
    missingToken: "signout?csrf=true",
    providerError: "Callback",
    refused: (error) => ({ error, status: 401, ok: false, url: null }),
    throttled: { error: "CredentialsSignin", status: 429, ok: false, url: null },
    serverSession: ({ getSession }, cookie) => getSession({ req: { headers: { cookie } } }),
  },
  {
    name: "authjs",
    package: "next-auth-v5",
    // Its provider hears what getSession() of the same page tells.
    clients: [{ name: "next-auth/react 5", home: "/app/", result: resultV5, looks: 2 }, own],
    cookie: "authjs.session-token",
    chunkSize: 3936,
    salt: { salt: "authjs.session-token" },
    oidcType: "oidc",
    nobody: null,
    missingToken: "signin?error=MissingCSRF",
    providerError: "OAuthCallbackError",
    refused: (error) => {
      const code = error === "CredentialsSignin" ? "credentials" : error;
      return { error: "CredentialsSignin", code, status: 200, ok: true, url: null };
    },
    throttled: { error: "CredentialsSignin", code: "credentials", status: 429, ok: false, url: null },
    // On a server nobody listens, and the channel would keep Node running.
    serverSession: ({ getSession }, cookie) => getSession({ headers: { cookie }, broadcast: false }),
  },
];

/** Makes a POST of one's own answered in JSON, in either dialect. */
export const wantsJson = { "X-Auth-Return-Redirect": "1" };
