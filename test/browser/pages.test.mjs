// The gateway's pages: accessible in every theme and width, and at home on this host.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, describe, test } from "node:test";
import { mailRealm, startMail } from "./rig/mail.mjs";
import { startRig } from "./rig/rig.mjs";
import { looks, states } from "./rig/states.mjs";

const mail = await startMail();
const rig = await startRig({ realm: mailRealm(mail) });
after(async () => {
  await rig.stop();
  await mail.stop();
});

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe("axe finds nothing, nothing sticks out and no other host is asked by", () => {
  for (const [name, reach] of Object.entries(states)) {
    test(`${name}, in light and dark, at 320 and 1280 px`, async (t) => {
      const context = await rig.context(t);
      const hosts = new Set();
      context.on("request", (request) => hosts.add(new URL(request.url()).host));
      const page = await reach(context);
      await page.evaluate(axe);
      const found = [];
      for (const look of looks) {
        await look.apply(page);
        const { violations } = await page.evaluate(() => window.axe.run());
        for (const { id, nodes } of violations) {
          found.push(`${look.name}: ${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        }
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > look.width) found.push(`${look.name}: it is ${width} px wide`);
      }
      assert.deepEqual(found, []);
      assert.deepEqual([...hosts], [new URL(rig.origin).host]);
    });
  }
});
