// Writes a picture of every state of the pages: npm run screenshots -- <folder>
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { mailRealm, startMail } from "./rig/mail.mjs";
import { startRig } from "./rig/rig.mjs";
import { looks, states } from "./rig/states.mjs";

const folder = process.argv[2];
if (!folder) {
  console.error("say where to: npm run screenshots -- <folder>");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });

const mail = await startMail();
const rig = await startRig({ realm: mailRealm(mail) });
// rig.context() closes a profile when its test ends; here a page's pictures are the test.
const closings = [];
const t = { after: (close) => closings.push(close) };
try {
  for (const [name, reach] of Object.entries(states)) {
    const page = await reach(await rig.context(t, { deviceScaleFactor: 2 }));
    for (const look of looks) {
      await look.apply(page);
      await page.screenshot({ path: join(folder, `${name}-${look.name}.png`) });
    }
    await closings.pop()();
  }
} finally {
  await rig.stop();
  await mail.stop();
}
