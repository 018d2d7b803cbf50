// The published Auth.js adapter for PostgreSQL, for tests in another language:
// one JSON array [method, ...arguments] per line in, one JSON value per line out.
import { createInterface } from "node:readline";
import PostgresAdapter from "@auth/pg-adapter";
import pg from "pg";

const [connectionString, schema] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, options: `-c search_path=${schema}` });
const adapter = PostgresAdapter(pool);

const times = new Set(["expires", "emailVerified"]);
const revive = (key, value) => (times.has(key) && value ? new Date(value) : value);

for await (const line of createInterface({ input: process.stdin })) {
	const [method, ...args] = JSON.parse(line, revive);
	let answer;
	try {
		answer = { result: (await adapter[method](...args)) ?? null };
	} catch (error) {
		answer = { error: String(error) };
	}
	process.stdout.write(JSON.stringify(answer) + "\n");
}
await pool.end();
