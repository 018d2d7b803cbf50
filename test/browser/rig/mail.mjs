// A mail server for the tests: it takes everything and keeps it, parsed.
import { once } from "node:events";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

/** Starts one on a loopback port. */
export async function startMail() {
  const mails = [];
  const waiting = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    async onData(stream, session, done) {
      const { subject, text, html } = await simpleParser(stream);
      const to = session.envelope.rcptTo.map(({ address }) => address).join();
      const link = /^https?:\/\/\S+\/callback\/\S+$/m.exec(text)?.[0];
      const mail = { to, subject, text, html, link };
      mails.push(mail);
      waiting.splice(0).forEach((look) => look());
      done();
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return {
    address: `127.0.0.1:${server.server.address().port}`,
    mails,
    /** The next mail to an address, out of the box. */
    async to(address) {
      for (;;) {
        const at = mails.findIndex(({ to }) => to === address);
        if (at >= 0) return mails.splice(at, 1)[0];
        await new Promise((resolve, reject) => {
          waiting.push(resolve);
          setTimeout(() => reject(new Error(`no mail to ${address} arrived`)), 10_000).unref();
        });
      }
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** The lines of a realm that mail links through it. */
export const mailRealm = (mail, options = "") => `email {
	from "Example <no-reply@example.com>"
	smtp ${mail.address} {
		tls off
	}
	limit {
		client 1000 1h
	}
	${options}
}`;
