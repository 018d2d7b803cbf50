// One sign-in for all hosts of a domain, in a real browser.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { alice, secret } from "./rig/caddy.mjs";
import { dialects } from "./rig/dialects.mjs";
import { signInWithPassword } from "./rig/pages.mjs";
import { here } from "./rig/build.mjs";
import { startRig } from "./rig/rig.mjs";

// Browsers find every name below localhost on this machine.
const domain = "example.localhost";

const file = ({ port, upstream, dialect }) => `{
	admin off
	persist_config off
	default_bind 127.0.0.1
	grace_period 1s
	signin {
		url http://auth.${domain}:${port}
		cookie_domain ${domain}
		dialect ${dialect.name}
		secret "${secret}"
		credentials {
			${alice.username} ${alice.hash} {
				name "Alice Example"
			}
		}
	}
}

http://localhost:${port} {
	respond "the rig asks whether Caddy serves"
}

http://auth.${domain}:${port} {
	signin
}

http://one.${domain}:${port}, http://two.${domain}:${port} {
	signin
	handle /guarded/* {
		require_signin
		root "${here}static"
		file_server
	}
	handle /api/echo/* {
		require_signin
		reverse_proxy ${upstream}
	}
	handle {
		root "${here}static/plain"
		try_files {path} /index.html
		file_server
	}
}
`;

for (const dialect of dialects) {
  const rig = await startRig({ file }, dialect);
  after(rig.stop);
  describe(`dialect ${dialect.name}`, () => suite(dialect, rig));
}

function suite(dialect, rig) {
  const { port } = new URL(rig.origin);
  const at = (host) => `http://${host}.${domain}:${port}`;

  test("a sign-in at one host holds at the other, and so does signing out", async (t) => {
    const context = await rig.context(t);
    const page = await context.newPage();
    await page.goto(`${at("one")}/guarded/a.html?q=1`);
    await page.waitForURL(`${at("auth")}/api/auth/signin?*`);
    await signInWithPassword(page);
    await page.waitForURL(`${at("one")}/guarded/a.html?q=1`);
    await page.goto(`${at("two")}/guarded/b.html`);
    await page.getByRole("heading", { name: "Page B" }).waitFor();
    const echo = await page.evaluate(async () => (await fetch("/api/echo/x")).json());
    assert.deepEqual(echo.headers["remote-user"], [alice.username]);
    assert.ok(!(echo.headers.cookie ?? []).join().includes(dialect.cookie), "the back end got the session cookie");

    const signedOut = await page.evaluate(async () => {
      const { signOut } = await import("/api/auth/client.js");
      return signOut({ redirect: false, callbackUrl: "/bye" });
    });
    assert.equal(signedOut.url, `${at("two")}/bye`);
    await page.goto(`${at("one")}/guarded/a.html`);
    await page.waitForURL(`${at("auth")}/api/auth/signin?*`);
  });

  test("signIn() on a page of one host comes back to it", async (t) => {
    const page = await (await rig.context(t)).newPage();
    await page.goto(`${at("two")}/somewhere?x=1#part`);
    await page.evaluate(async () => {
      const { signIn } = await import("/api/auth/client.js");
      await signIn();
    });
    await page.waitForURL(`${at("auth")}/api/auth/signin?*`);
    await signInWithPassword(page);
    await page.waitForURL(`${at("two")}/somewhere?x=1#part`);
  });
}
