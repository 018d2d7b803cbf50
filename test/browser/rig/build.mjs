// Builds, once before all tests, what they run: Caddy with this module, and the single-page app.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = fileURLToPath(new URL("..", import.meta.url));
const repository = join(here, "../..");
const out = join(repository, ".build/browser");

/** The Caddy under test; the environment's CADDY names another than the one built here. */
export const caddyBinary = process.env.CADDY ?? join(out, "caddy");

/** The folder with the built app in app/. */
export const builtSite = join(out, "site");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(out, { recursive: true });
  if (!process.env.CADDY) {
    execFileSync("go", ["build", "-o", caddyBinary, "./cmd/caddy"], { cwd: repository, stdio: "inherit" });
  }
  const { build } = await import("vite");
  await build({
    root: join(here, "app"),
    base: "/app/",
    // next-auth reads process.env; a browser has none.
    define: { "process.env": "{}" },
    build: { outDir: join(builtSite, "app"), emptyOutDir: true },
    logLevel: "warn",
  });
}
