/**
 * The browser's client, with a socket, a clock and a snapshot that the test holds in its hands.
 *
 * Run by test_client.py, which names the client's file in CLIENT.
 */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const { LiveClient, tagged, uuid } = await import(pathToFileURL(process.env.CLIENT).href);
const SNAPSHOT = { seq: 7, epoch: 'e', state: { counter: { value: 3 } } };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

class Socket {
  sent = [];
  closed = false;
  onopen = this.onmessage = this.onclose = this.onerror = null;
  constructor(url) { this.url = url; }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; }
  says(message) { this.onmessage({ data: JSON.stringify(message) }); }
  get idle() { return this.onopen === null && this.onmessage === null && this.onclose === null; }
}

/** A client, every socket that it opened, and all that it told its listeners. */
function world({ random = () => 1, fetch = async () => answer(SNAPSHOT), ...options } = {}) {
  const sockets = [];
  const told = { state: [], snapshot: [], event: [], error: [] };
  class Opened extends Socket {
    constructor(url) { super(url); sockets.push(this); }
  }
  const client = new LiveClient({
    base: 'http://shop', WebSocket: Opened, fetch, random, ...options,
  });
  for (const name of Object.keys(told)) client.on(name, (value) => told[name].push(value));
  return { client, sockets, told };
}

function answer(body, ok = true) {
  return { ok, json: async () => body };
}

/** Lets promises that are already settled have their say. */
async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await null;
}

async function live(options) {
  const made = world(options);
  made.client.connect();
  await opened(made);
  return made;
}

async function opened({ sockets }) {
  sockets.at(-1).onopen();
  await settled();
}

/** A test of its own clock, which checks at the end that closing leaves nothing behind. */
function timed(name, body) {
  test(name, async () => {
    const pending = new Set();
    mock.timers.enable({ apis: ['setTimeout'] });
    const { setTimeout: set, clearTimeout: clear } = globalThis;
    globalThis.setTimeout = (then, delay) => {
      const id = set(() => { pending.delete(id); then(); }, delay);
      pending.add(id);
      return id;
    };
    globalThis.clearTimeout = (id) => { pending.delete(id); if (id !== undefined) clear(id); };
    try {
      const { client, sockets } = await body((delay) => mock.timers.tick(delay), pending);
      client.close();
      assert.equal(pending.size, 0);
      assert.ok(sockets.every((socket) => socket.closed && socket.idle));
      assert.equal(client.state, 'stopped');
    } finally {
      Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
      mock.timers.reset();
    }
  });
}

timed('it is live once it has the snapshot', async () => {
  const made = await live();

  assert.equal(made.sockets[0].url, 'ws://shop/api/v1/ws');
  assert.deepEqual(made.told.state, ['connecting', 'live']);
  assert.deepEqual(made.told.snapshot, [SNAPSHOT]);
  return made;
});

timed('events that the snapshot holds already are dropped, later ones follow it', async () => {
  let give;
  const made = world({ fetch: () => new Promise((resolve) => { give = resolve; }) });
  made.client.connect();
  made.sockets[0].onopen();
  for (const seq of [6, 7, 8]) made.sockets[0].says({ type: 'event', action: 'WasReset', seq });
  assert.deepEqual(made.told.event, []);

  give(answer(SNAPSHOT));
  await settled();
  for (const seq of [8, 9]) made.sockets[0].says({ type: 'event', action: 'WasReset', seq });
  made.sockets[0].says({ type: 'event', action: 'Passing' });

  assert.deepEqual(made.told.event.map((event) => event.seq), [8, 9, undefined]);
  assert.equal(made.client.seq, 9);
  return made;
});

timed('it listens to the topics that it is given', async () => {
  const made = world({ query: '?user=alice', topics: ['orders', 'chat:the lobby'] });
  made.client.connect();

  assert.equal(made.sockets[0].url,
    'ws://shop/api/v1/ws?user=alice&topics=orders,chat%3Athe%20lobby');
  return made;
});

timed('asked for all topics, it takes their names anew before each connection', async (tick) => {
  const states = [{ counter: {} }, { counter: {} }, { counter: {}, metrics: {} }];
  let seq = 0;
  const made = world({
    topics: 'all',
    fetch: async () => answer({ seq: (seq += 1), state: states[Math.min(seq - 1, 2)] }),
  });
  made.client.connect();
  assert.deepEqual(made.sockets, []);
  await settled();
  await opened(made);
  made.sockets[0].says({ type: 'event', action: 'WasReset', seq: 2 });
  made.sockets[0].onclose({ code: 1006 });
  tick(1000);
  await settled();
  await opened(made);

  assert.deepEqual(made.sockets.map(({ url }) => url), [
    'ws://shop/api/v1/ws?topics=counter', 'ws://shop/api/v1/ws?topics=counter,metrics',
  ]);
  assert.deepEqual(made.told.snapshot.map((snapshot) => snapshot.seq), [2, 4]);
  assert.deepEqual(made.told.event, []);
  return made;
});

timed('without a topic to name it names none, and waits for no names once it is closed', async () => {
  const made = world({ topics: 'all', fetch: async () => answer({ seq: 0, state: {} }) });
  made.client.connect();
  await settled();
  assert.equal(made.sockets[0].url, 'ws://shop/api/v1/ws');

  const closed = world({ topics: 'all' });
  closed.client.connect();
  closed.client.close();
  await settled();
  assert.deepEqual(closed.sockets, []);
  return made;
});

timed('names that cannot be had are asked for again, unless that is forbidden', async (tick) => {
  const answers = [
    () => { throw new TypeError('network'); },
    () => answer({ type: 'error', code: 'forbidden', message: 'never' }, false),
  ];
  const made = world({ topics: 'all', fetch: async () => answers.shift()() });
  made.client.connect();
  for (const state of ['recovering', 'stopped']) {
    await settled();
    assert.equal(made.client.state, state);
    tick(1000);
  }

  assert.deepEqual(made.sockets, []);
  return made;
});

timed('it reads an address of the service, with its query, and tells a refusal', async () => {
  const asked = [];
  const answers = [answer({ version: 3 }), answer({ code: 'not_found', message: 'no' }, false)];
  const fetch = async (url) => asked.push(url) && answers.shift();
  const made = world({ query: '?user=alice', fetch });

  assert.deepEqual(await made.client.read('/api/v1/documents/x'), { version: 3 });
  await assert.rejects(made.client.read('/api/v1/documents/y'), { code: 'not_found' });

  assert.equal(asked[0], 'http://shop/api/v1/documents/x?user=alice');
  return made;
});

timed('a command settles on its own ack or error', async () => {
  const made = await live();
  const done = made.client.send({ Increment: { by: 1 } }, 'one');
  const refused = made.client.send('Reset');
  const [, other] = made.sockets[0].sent;
  assert.deepEqual(made.sockets[0].sent[0],
    { type: 'command', action: { Increment: { by: 1 } }, id: 'one' });
  assert.match(other.id, UUID);

  made.sockets[0].says({ type: 'error', code: 'conflict', message: 'no', id: other.id });
  made.sockets[0].says({ type: 'ack', id: 'one', seq: 8 });

  await assert.rejects(refused, { name: 'CommandError', code: 'conflict', message: 'no' });
  assert.equal((await done).seq, 8);
  return made;
});

timed('an error that belongs to no command is told to listeners', async () => {
  const made = await live();

  made.sockets[0].says({ type: 'error', code: 'invalid', message: 'what?', id: null });

  assert.equal(made.told.error[0].message, 'what?');
  return made;
});

timed('a command is not sent without a connection, and is lost with it', async () => {
  const made = world();
  await assert.rejects(made.client.send('Reset'), { code: 'offline' });
  made.client.connect();
  await assert.rejects(made.client.send('Reset'), { code: 'offline' });
  await opened(made);
  const waiting = made.client.send('Reset');

  made.sockets[0].onclose({ code: 1006 });

  await assert.rejects(waiting, { code: 'lost' });
  return made;
});

timed('delays double from one second to thirty, and jitter takes them down to zero', async (tick) => {
  const made = world();
  made.client.connect();
  for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
    const before = made.sockets.length;
    made.sockets.at(-1).onclose({ code: 1006 });
    assert.equal(made.client.state, 'recovering');
    tick(seconds * 1000 - 1);
    assert.equal(made.sockets.length, before);
    tick(1);
    assert.equal(made.sockets.length, before + 1);
  }

  const lucky = world({ random: () => 0 });
  lucky.client.connect();
  lucky.sockets[0].onclose({ code: 1006 });
  tick(1);
  assert.equal(lucky.sockets.length, 2);
  lucky.client.close();
  return made;
});

timed('a stable connection makes the delay short again, a brief one does not', async (tick) => {
  const made = world();
  made.client.connect();
  made.sockets[0].onclose({ code: 1006 });
  tick(1000);
  await opened(made);
  tick(9_999);
  made.sockets[1].onclose({ code: 1006 });
  tick(1999);
  assert.equal(made.sockets.length, 2);
  tick(1);
  await opened(made);
  tick(10_000);

  made.sockets[2].onclose({ code: 1006 });
  tick(1000);

  assert.equal(made.sockets.length, 4);
  return made;
});

timed('clients of a draining server spread their return over five seconds', async (tick) => {
  const made = await live();
  made.sockets[0].onclose({ code: 1012 });

  tick(4_999);
  assert.equal(made.sockets.length, 1);
  tick(1);
  assert.equal(made.sockets.length, 2);
  return made;
});

for (const code of [4501, 4503, 4504]) {
  timed(`it does not come back after ${code}`, async (tick, pending) => {
    const made = await live();
    made.sockets[0].onclose({ code });

    assert.equal(made.client.state, 'stopped');
    assert.equal(pending.size, 0);
    return made;
  });
}

timed('why a connection was closed is told, if it is a matter of this client', async (tick) => {
  const made = await live();

  made.sockets[0].onclose({ code: 1012, reason: 'this process is stopping' });
  tick(5_000);
  made.sockets[1].onclose({ code: 4401, reason: 'the token has expired: renew it' });

  assert.deepEqual(made.told.error, [{ message: 'the token has expired: renew it' }]);
  return made;
});

timed('why there is no snapshot is told', async () => {
  const refusal = { type: 'error', code: 'unauthenticated', message: 'the token has expired' };
  const made = await live({ fetch: async () => answer(refusal, false) });

  assert.deepEqual(made.told.error, [{ message: 'the token has expired' }]);
  assert.equal(made.client.state, 'recovering');
  return made;
});

timed('a ping that nobody answers ends the connection', async (tick) => {
  const made = await live();
  tick(25_000);
  assert.deepEqual(made.sockets[0].sent, [{ type: 'ping' }]);
  tick(9_999);
  made.sockets[0].says({ type: 'pong' });
  tick(15_001);
  assert.equal(made.sockets[0].sent.length, 2);
  assert.equal(made.client.state, 'live');

  tick(10_000);

  assert.equal(made.client.state, 'recovering');
  assert.ok(made.sockets[0].closed);
  return made;
});

timed('it answers a ping of the server', async () => {
  const made = await live();

  made.sockets[0].says({ type: 'ping' });

  assert.deepEqual(made.sockets[0].sent, [{ type: 'pong' }]);
  return made;
});

timed('a snapshot that fails is tried again, one that is forbidden is not', async (tick) => {
  const answers = [
    () => { throw new TypeError('network'); },
    () => answer({ type: 'error', code: 'unavailable', message: 'later' }, false),
    () => answer({ type: 'error', code: 'forbidden', message: 'never' }, false),
  ];
  const made = world({ fetch: async () => answers.shift()() });
  made.client.connect();
  for (const state of ['recovering', 'recovering', 'stopped']) {
    await opened(made);
    assert.equal(made.client.state, state);
    tick(30_000);
  }

  assert.equal(made.sockets.length, 3);
  return made;
});

timed('a handshake that hangs is given up', async (tick) => {
  const made = world();
  made.client.connect();

  tick(15_000);

  assert.equal(made.client.state, 'recovering');
  return made;
});

timed('a snapshot that comes after closing is not told', async () => {
  let give;
  const made = world({ fetch: () => new Promise((resolve) => { give = resolve; }) });
  made.client.connect();
  made.sockets[0].onopen();

  made.client.close();
  give(answer(SNAPSHOT));
  await settled();

  assert.deepEqual(made.told.snapshot, []);
  assert.deepEqual(made.told.state, ['connecting', 'stopped']);
  return made;
});

timed('closing rejects what waits', async () => {
  const made = await live();
  const waiting = made.client.send('Reset');

  made.client.close();

  await assert.rejects(waiting, { code: 'lost' });
  return made;
});

test('an action has a name and fields', () => {
  assert.deepEqual(tagged({ Increment: { by: 1 } }), ['Increment', { by: 1 }]);
  assert.deepEqual(tagged('Reset'), ['Reset', {}]);
});

test('ids are random UUIDs, also where randomUUID is missing', () => {
  const original = crypto.randomUUID;
  assert.match(uuid(), UUID);
  crypto.randomUUID = undefined;
  try {
    const ids = Array.from({ length: 100 }, () => uuid());
    assert.equal(new Set(ids).size, 100);
    ids.forEach((id) => assert.match(id, UUID));
  } finally {
    crypto.randomUUID = original;
  }
});
