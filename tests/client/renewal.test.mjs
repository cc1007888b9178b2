/**
 * Tokens, in front of the real service: how long they are good for is decided there.
 *
 * Run by test_client_tokens.py, which names the service in SERVICE, its secret in SECRET, and the
 * client's file in CLIENT.
 */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const { WebSocket } = createRequire(import.meta.url)('ws');
const { LiveClient } = await import(pathToFileURL(process.env.CLIENT).href);
const { SERVICE: base, SECRET } = process.env;
const MILLISECONDS = 20_000;

/** A JSON Web Token (RFC 7519) of an operator, good for so many seconds. */
function token(seconds, secret = SECRET) {
  const now = Date.now() / 1_000;
  const claims = { sub: 'olivia', role: 'operator', iat: Math.floor(now), exp: now + seconds };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** A client that comes back at once, what it has told, and every connection that it has opened. */
function followed(getToken) {
  const told = { states: [], closes: [], heard: [], opened: 0 };
  class Counted extends WebSocket {
    constructor(...given) { super(...given); told.opened += 1; }
  }
  const options = { base, getToken, WebSocket: Counted, topics: ['revocation'], random: () => 0 };
  const client = new LiveClient(options);
  client.on('state', (state) => told.states.push(state));
  client.on('close', ({ code }) => told.closes.push(code));
  client.on('event', ({ cause }) => told.heard.push(cause));
  return { client, told };
}

/** Settles when the client has become this. */
function becomes(client, wanted) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`it is never ${wanted}`)), MILLISECONDS);
    client.on('state', (state) => { if (state === wanted) resolve(clearTimeout(late)); });
  });
}

const revoke = (name) => ({ RevokeTokens: { user_id: name } });

test('it is renewed before it expires, again and again, on one connection', async () => {
  const lifetime = 3;
  const given = [];
  const { client, told } = followed(async () => given[given.push(token(lifetime)) - 1]);
  client.connect();
  await becomes(client, 'live');
  const ids = [];
  const begun = Date.now();
  while (Date.now() - begun < 3 * lifetime * 1_000) {
    const { id } = await client.send(revoke(`renewed-${ids.length}`));
    ids.push(id);
    await pause(100);
  }
  await pause(100);
  client.close();

  assert.deepEqual(told.states, ['connecting', 'live', 'stopped']);
  assert.deepEqual([told.closes, told.opened], [[], 1]);
  assert.deepEqual(told.heard, ids);
  assert.ok(given.length > 4, 'one for the handshake, one for the snapshot, and the new ones');
});

test('one that has expired ends the connection, and another brings it back', async () => {
  const first = token(2);
  let now = first;
  const { client, told } = followed(() => now); // What is no other token is not sent.
  client.connect();
  await becomes(client, 'live');
  const back = becomes(client, 'recovering').then(() => { now = token(60); });
  await back;
  await becomes(client, 'live');
  const { seq } = await client.send(revoke('back'));
  client.close();

  assert.deepEqual(told.states, ['connecting', 'live', 'recovering', 'live', 'stopped']);
  assert.deepEqual([told.closes, told.opened], [[4401], 2]);
  assert.ok(seq > 0);
});

test('whoever has nothing but expired ones is sent away the second time', async () => {
  const { client, told } = followed(() => token(-60));
  client.connect();
  await becomes(client, 'stopped');

  assert.deepEqual(told.states, ['connecting', 'recovering', 'stopped']);
  assert.deepEqual([told.closes, told.opened], [[4401, 4401], 2]);
});

test('a bad one ends it for good, whichever door is faster to say so', async () => {
  for (let time = 0; time < 20; time += 1) {
    const { client, told } = followed(() => token(60, `${SECRET}, or so`));
    client.connect();
    await becomes(client, 'stopped');

    assert.deepEqual(told.states, ['connecting', 'stopped']);
    assert.deepEqual([told.closes, told.opened], [[4501], 1]);
    await assert.rejects(client.send(revoke('nobody')), { code: 'stopped' });
  }
});

test('a bad one that comes later ends it, too', async () => {
  let now = token(2);
  const { client, told } = followed(() => now);
  client.connect();
  await becomes(client, 'live');
  now = token(60, `${SECRET}, or so`);
  await becomes(client, 'stopped');

  assert.deepEqual([told.closes, told.opened], [[4501], 1]);
});

test('without one nothing is heard, and it stays away', async () => {
  const { client, told } = followed(undefined);
  client.connect();
  await becomes(client, 'stopped');

  assert.deepEqual([told.closes, told.opened], [[4401], 1]);
});
