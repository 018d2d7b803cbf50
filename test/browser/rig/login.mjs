// An operator's own login endpoint, as the back end "http" of credentials asks it.
import { createServer } from "node:http";
import { stopServer } from "./echo.mjs";

export const dora = { username: "dora", password: "north star", otp: "123456" };

/**
 * Starts the endpoint on a free loopback port. It lets dora in, asks her for a
 * code, and answers 500 while down is set.
 */
export async function startLogin() {
  const login = { down: false };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const answer = (status, value) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const typed = JSON.parse(body);
    if (login.down) answer(500, {});
    else if (typed.username !== dora.username || typed.password !== dora.password) answer(401, {});
    else if (!typed.otp) answer(403, { error: "CodeRequired" });
    else answer(200, { id: "7", username: "dora", name: "Dora Example", email: "dora@example.com" });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  login.url = `http://127.0.0.1:${server.address().port}/login`;
  login.stop = () => stopServer(server);
  return login;
}
