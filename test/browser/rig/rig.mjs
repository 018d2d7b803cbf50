// Everything that a test file needs, started and stopped as one.
import { chromium } from "playwright-core";
import { caddyfile, freePort, startCaddy, temporaryHome } from "./caddy.mjs";
import { startEcho } from "./echo.mjs";
import { startProvider } from "./provider.mjs";

const chromiumFlags = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// A kill from outside ends our children too: exit handlers stop them.
process.once("SIGTERM", () => process.exit(1));

/**
 * Starts the OpenID provider, the echo upstream, Caddy and Chromium.
 *
 * @param {object} [site]  see caddyfile(): secrets, realm; or file, which writes another Caddyfile
 * @param {object} [dialect]  stays when Caddy is started anew
 */
export async function startRig(site = {}, dialect = undefined) {
  const stops = [];
  const stop = async () => {
    const results = await Promise.allSettled(stops.splice(0).map((each) => each()));
    const failed = results.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
  };
  try {
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    const provider = await startProvider([`${origin}/api/auth/callback/local`]);
    stops.push(provider.stop);
    const echo = await startEcho();
    stops.push(echo.stop);
    const home = temporaryHome();
    const start = ({ file = caddyfile, ...options }) =>
      startCaddy(file({ port, issuer: provider.issuer, upstream: echo.address, dialect, ...options }), home.path);
    let caddy;
    stops.push(async () => {
      await caddy?.stop();
      home.remove();
    });
    caddy = await start(site);
    const browsers = {};
    const browser = (kind) => {
      if (!browsers[kind]) {
        browsers[kind] = launchBrowser(kind);
        stops.push(async () => (await browsers[kind]).close());
      }
      return browsers[kind];
    };

    return {
      origin,
      provider,
      stop,
      /** Starts Caddy anew with other options; its data stays. */
      async restart(options) {
        await caddy.stop();
        caddy = await start(options);
      },
      /**
       * A fresh browser profile, closed when the test ends. keepsPages: Back
       * shows pages as they were left, where they allow it. The test fails when
       * a Content-Security-Policy stopped anything in the profile.
       */
      async context(t, { keepsPages = false, ...options } = {}) {
        const kind = keepsPages ? "keeps pages" : "default";
        const context = await (await browser(kind)).newContext({ baseURL: origin, ...options });
        context.setDefaultTimeout(10_000);
        const blocked = [];
        context.on("console", (message) => {
          if (/content security policy/i.test(message.text())) blocked.push(message.text());
        });
        const story = recordRequests(context);
        t.after(async () => {
          if (t.error) console.error([...story(), "Caddy's log:", ...caddy.log.slice(-20)].join("\n"));
          await context.close();
          if (blocked.length > 0) throw new Error(`stopped by a Content-Security-Policy:\n${blocked.join("\n")}`);
        });
        return context;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

// What a failed test is told with: where the pages are, and the last requests and
// how they ended. Of the queries only the error, for the rest has codes in it.
function recordRequests(context) {
  const requests = [];
  const bare = (address) => {
    const [path, query] = address.split("#")[0].split("?");
    const error = new URLSearchParams(query).get("error");
    return error === null ? path : `${path}?error=${error}`;
  };
  context.on("request", (request) => requests.push(request));
  return () => [
    `pages: ${context.pages().map((page) => bare(page.url())).join(" ") || "none"}`,
    ...requests.slice(-20).map((request) => {
      const { responseStart, responseEnd } = request.timing();
      const end = request.failure()?.errorText ?? (responseEnd < 0 ? "not ended" : `${Math.round(responseEnd)} ms`);
      return `${request.method()} ${bare(request.url())}: ${responseStart < 0 ? "no answer" : "answered"}, ${end}`;
    }),
  ];
}

function launchBrowser(kind) {
  return chromium.launch({
    // Playwright turns the back/forward cache off.
    ignoreDefaultArgs: kind === "keeps pages" ? ["--disable-back-forward-cache"] : [],
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Chromium's own sandbox refuses to start as root.
    chromiumSandbox: process.getuid() !== 0,
    args: chromiumFlags,
  });
}

/** The cookies of a browser as the text of a Cookie header. */
export async function cookieHeader(context, origin) {
  const cookies = await context.cookies(origin);
  return cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
}
