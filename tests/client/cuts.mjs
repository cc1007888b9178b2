/**
 * Gives commands, through whatever happens to its connections: `node cuts.mjs ADDRESS`.
 *
 * Every 20 ms one, until its input ends. Then it waits for the answers, and prints what became of
 * each command and what was heard, as JSON.
 */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { WebSocket } = createRequire(import.meta.url)('ws');
const { LiveClient } = await import(pathToFileURL(process.env.CLIENT).href);
const BETWEEN = 20; // milliseconds

const client = new LiveClient({
  base: process.argv[2],
  WebSocket,
  topics: ['revocation'],
  random: () => Math.random() / 1_000, // A second's delay is a millisecond's: the cuts are many.
});
const told = { heard: [], snapshots: 0, errors: [], closes: 0 };
client.on('event', ({ action, cause, seq }) => told.heard.push([cause, seq, action.TokensRevoked.user_id]));
client.on('snapshot', () => (told.snapshots += 1));
client.on('error', (refusal) => told.errors.push(refusal));
client.on('close', () => (told.closes += 1));
client.connect();

const answers = [];
const giving = setInterval(() => {
  const id = `id-${answers.length}`;
  const answer = client.send({ RevokeTokens: { user_id: id } }, id);
  answers.push(answer.then(({ seq }) => [id, seq], ({ code }) => [id, code]));
}, BETWEEN);

process.stdin.resume().on('end', async () => {
  clearInterval(giving);
  const outcomes = await Promise.all(answers);
  client.close();
  process.stdout.write(JSON.stringify({ outcomes, ...told }));
});
