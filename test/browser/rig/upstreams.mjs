// Web frameworks with one guarded route, for tests in another language: each says
// of every request which route it took it for. The arguments are their ports.
import { createServer } from "node:http";
import express from "express";
import fastify from "fastify";
import Koa from "koa";

const host = "127.0.0.1";
const [expressPort, fastifyPort, koaPort, urlPort] = process.argv.slice(2).map(Number);
const routeOf = (path) => (/^\/admin(\/|$)/i.test(path) ? "guarded" : "open");

express()
	.use("/admin", (_, response) => response.send("guarded"))
	.use((_, response) => response.send("open"))
	.listen(expressPort, host);

const app = fastify({ routerOptions: { caseSensitive: false } });
app.all("/admin", async () => "guarded");
app.all("/admin/*", async () => "guarded");
app.setNotFoundHandler(async (_, reply) => reply.code(200).send("open"));
await app.listen({ port: fastifyPort, host });

new Koa()
	.use((context) => {
		context.body = routeOf(context.path);
	})
	.listen(koaPort, host);

createServer((request, response) => {
	try {
		response.end(routeOf(new URL(request.url, "http://app.example").pathname));
	} catch {
		response.writeHead(400).end("refused");
	}
}).listen(urlPort, host);
