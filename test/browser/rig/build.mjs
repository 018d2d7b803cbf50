// Builds, once before all tests, what they run: Caddy with this module, and the single-page app.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dialects } from "./dialects.mjs";

export const here = fileURLToPath(new URL("..", import.meta.url));
const repository = join(here, "../..");
const out = join(repository, ".build/browser");

/** The Caddy under test; the environment's CADDY names another than the one built here. */
export const caddyBinary = process.env.CADDY ?? join(out, "caddy");

/** The folder with the app in app/, built with the client of a dialect. */
export const builtSite = (dialect) => join(out, `site-${dialect.name}`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(out, { recursive: true });
  if (!process.env.CADDY) {
    execFileSync("go", ["build", "-o", caddyBinary, "./cmd/caddy"], { cwd: repository, stdio: "inherit" });
  }
  const { build } = await import("vite");
  for (const dialect of dialects) {
    await build({
      root: join(here, "app"),
      base: "/app/",
      resolve: { alias: { "next-auth/react": `${dialect.package}/react` } },
      // next-auth reads process.env; a browser has none.
      define: { "process.env": "{}" },
      build: { outDir: join(builtSite(dialect), "app"), emptyOutDir: true },
      logLevel: "warn",
    });
  }
}
