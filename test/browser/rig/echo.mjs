// The unmodified back end: it answers every request with what it received.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

/**
 * Starts the upstream on a free loopback port. A path ending in /events is an
 * event stream that says "hello" and stays open; an upgrade gets a WebSocket
 * that says "hello". Everything else gets JSON of method, path and headers
 * (names in lower case, values as lists).
 */
export async function startEcho() {
  const server = createServer((request, response) => {
    if (request.url.endsWith("/events")) {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("data: hello\n\n");
      return;
    }
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({
      method: request.method,
      path: request.url,
      headers: request.headersDistinct,
    }));
  });
  server.on("upgrade", (request, socket) => {
    // RFC 6455 section 4.2.2, and one unmasked text frame (section 5.2).
    const accept = createHash("sha1")
      .update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
      .digest("base64");
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.write(Buffer.from("\x81\x05hello", "latin1"));
    socket.on("error", () => socket.destroy());
    // The server no longer counts the socket as its own, and waits for its end; that is told to readers only.
    socket.on("end", () => socket.end());
    socket.resume();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    stop: () => stopServer(server),
  };
}

/** Ends a server and every connection that it still holds. */
export function stopServer(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}
