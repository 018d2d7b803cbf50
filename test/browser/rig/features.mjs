// A certified OpenID provider with features that Go tests switch on, a client for
// each. Everyone is Dora, at once. argv: the port, and the clients as JSON.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, clients] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const issuer = `http://127.0.0.1:${port}`;
const algorithms = ["RS256", "PS256", "ES256", "EdDSA", "HS256"];
const assertions = [...algorithms, "HS512", "ES384", "ES512"];
const dora = { sub: "dora", name: "Dora Example", email: "dora@example.com", email_verified: true };

let generation = 0;

function start() {
  generation += 1;
  const signing = [
    ["RS256", "rsa", { modulusLength: 2048 }],
    ["PS256", "rsa", { modulusLength: 2048 }],
    ["ES256", "ec", { namedCurve: "P-256" }],
    ["EdDSA", "ed25519", {}],
  ].map(([alg, type, options]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), use: "sig", alg, kid: `${alg}-${generation}`,
  }));
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: signing },
    cookies: { keys: ["cookies of the Go tests' provider"] },
    pkce: { required: () => true },
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"],
    enabledJWA: {
      idTokenSigningAlgValues: algorithms,
      userinfoSigningAlgValues: algorithms,
      clientAuthSigningAlgValues: assertions,
    },
    features: {
      devInteractions: { enabled: false },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 600, Session: 3600 },
    findAccount: (_, id) => ({ accountId: id, claims: () => dora }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  return { provider, answer: provider.callback() };
}

let current = start();
createServer((request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === "/rotate") {
    current = start();
    response.end();
  } else if (pathname.startsWith("/interaction/")) {
    const result = { login: { accountId: "dora" } };
    current.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false }).catch((error) => {
      response.writeHead(500).end(error.message);
    });
  } else {
    current.answer(request, response);
  }
}).listen(port, "127.0.0.1");
