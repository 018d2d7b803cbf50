// Runs the Caddy under test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { builtSite, caddyBinary, here } from "./build.mjs";
import { dialects } from "./dialects.mjs";
import { client } from "./provider.mjs";

/** The password users of every site. The hash is bcrypt of cost 4, for speed. */
export const alice = {
  username: "alice",
  password: "correct horse",
  hash: "$2a$04$M8sUdgdnmIyAhm4RGMv0PubGiihoXBJb9FIYyHkPKFYA3LvOVM5tK",
};

export const secret = "the secret of the browser tests, long enough";

/** A loopback port that was free a moment ago. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/**
 * The site that the tests visit.
 *
 * @param {object} site
 * @param {number} site.port
 * @param {string} site.issuer  of the OpenID provider
 * @param {string} site.upstream  host:port of the echo upstream
 * @param {string} [site.secrets]  the arguments of `secret`
 * @param {object} [site.dialect]  one of dialects.mjs
 * @param {string} [site.realm]  further lines of the realm
 * @param {string} [site.provider]  further lines of the OpenID provider
 */
export function caddyfile({ port, issuer, upstream, secrets = `"${secret}"`, dialect = dialects[0], realm = "", provider = "" }) {
  return `{
	admin off
	persist_config off
	default_bind 127.0.0.1
	grace_period 1s
}

http://localhost:${port} {
	signin {
		dialect ${dialect.name}
		secret ${secrets}
		oidc local ${issuer} ${client.id} "${client.secret}" {
			name "Local Provider"
			${provider}
		}
		credentials {
			${alice.username} ${alice.hash} {
				name "Alice Example"
				email alice@example.com
				groups admins
			}
		}
		${realm}
	}
	root "${here}static"
	handle /guarded/* {
		require_signin
		file_server
	}
	handle /nobody/* {
		require_signin {
			group nobody
		}
		file_server
	}
	handle /api/echo/* {
		require_signin
		reverse_proxy ${upstream}
	}
	handle /api/open/* {
		reverse_proxy ${upstream}
	}
	handle /app/* {
		root "${builtSite(dialect)}"
		try_files {path} /app/index.html
		file_server
	}
	handle /plain/* {
		try_files {path} /plain/index.html
		file_server
	}
	handle {
		file_server
	}
}
`;
}

/**
 * Starts Caddy and resolves when it serves. Its data stays in `home`, so that
 * a restart finds it again.
 */
export async function startCaddy(config, home) {
  const file = join(home, "Caddyfile");
  writeFileSync(file, config);
  const child = spawn(caddyBinary, ["run", "--config", file, "--adapter", "caddyfile"], {
    env: { PATH: process.env.PATH, HOME: home, XDG_DATA_HOME: join(home, "data"), XDG_CONFIG_HOME: join(home, "config") },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const killOnExit = () => child.kill("SIGKILL");
  process.once("exit", killOnExit);
  const exited = once(child, "exit").finally(() => process.off("exit", killOnExit));

  const log = [];
  const serving = new Promise((resolve) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      if (line.includes("serving initial configuration")) resolve(true);
    });
  });
  if (!(await Promise.race([serving, exited.then(() => false)]))) {
    throw new Error(`caddy did not start:\n${log.slice(-10).join("\n")}`);
  }
  return {
    log,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** A folder for Caddy's data, and how to remove it. It goes when the process ends, too. */
export function temporaryHome() {
  const path = mkdtempSync(join(tmpdir(), "caddy-signin-browser-"));
  const remove = () => {
    process.off("exit", remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once("exit", remove);
  return { path, remove };
}
