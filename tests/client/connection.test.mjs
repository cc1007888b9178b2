/** How it connects, what it starts from, and how it comes back. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SNAPSHOT, answer, live, opened, settled, tagged, timed, uuid, world } from './world.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SUBSCRIBE = { type: 'subscribe', since: 7, epoch: 'e' };

timed('it is live once it has a snapshot and hears what happens after it', async () => {
  const made = world();
  made.client.connect();
  await settled();
  const [socket] = made.sockets;
  socket.onopen();
  await settled();
  socket.happens(8); // Heard, as everybody hears it who has not subscribed.
  assert.deepEqual([made.client.state, made.told.snapshot], ['connecting', []]);

  socket.says({ type: 'subscribed', seq: 8, epoch: 'e', recovered: true });
  socket.happens(8, 9);

  assert.equal(socket.url, 'ws://shop/api/v1/ws');
  assert.deepEqual(socket.sent, [SUBSCRIBE]);
  assert.deepEqual(made.told.state, ['connecting', 'live']);
  assert.deepEqual(made.told.snapshot, [SNAPSHOT]);
  assert.deepEqual(made.told.event.map(({ seq }) => seq), [8, 9]);
  assert.deepEqual([made.client.seq, made.client.epoch], [9, 'e']);
  return made;
});

timed('what it missed is told after a break, once, and there is no snapshot', async ({ tick }) => {
  const made = await live();
  made.sockets[0].happens(9);
  made.sockets[0].breaks();
  await tick(1_000);
  const socket = await opened(made);
  socket.happens(9, 10);
  socket.says({ type: 'event', action: 'Passing' });

  assert.deepEqual(socket.sent, [{ ...SUBSCRIBE, since: 9 }]);
  assert.deepEqual(made.told.event.map(({ seq }) => seq), [9, 10, undefined]);
  assert.equal(made.told.snapshot.length, 1);
  assert.deepEqual(made.told.state, ['connecting', 'live', 'recovering', 'live']);
  return made;
});

timed('too far back, or in another log, it starts from a snapshot again', async ({ tick }) => {
  const snapshots = [SNAPSHOT, { ...SNAPSHOT, seq: 2, epoch: 'f' }];
  const made = await live({ fetch: async () => answer(snapshots.shift()) });
  made.sockets[0].breaks();
  await tick(1_000);
  const socket = await opened(made, { recovered: false });
  socket.happens(1, 2, 3);
  assert.deepEqual(made.told.event, []);
  socket.says({ type: 'subscribed', seq: 2, epoch: 'f', recovered: true });
  socket.happens(3);

  assert.deepEqual(socket.sent, [SUBSCRIBE, { ...SUBSCRIBE, since: 2, epoch: 'f' }]);
  assert.deepEqual(made.told.snapshot.map(({ epoch }) => epoch), ['e', 'f']);
  assert.deepEqual(made.told.event.map(({ seq }) => seq), [3]);
  return made;
});

timed('a service that does not know its own snapshots is left, and tried again', async ({ tick }) => {
  const made = world();
  made.client.connect();
  const socket = await opened(made, { recovered: false });
  for (let time = 0; time < 2; time += 1) {
    socket.says({ type: 'subscribed', seq: 0, epoch: 'e', recovered: false });
    await settled();
  }

  assert.equal(made.asked.length, 3);
  assert.equal(made.client.state, 'recovering');
  await tick(1_000);
  await opened(made);
  assert.equal(made.client.state, 'live');
  return made;
});

timed('it listens to the topics that it is given', async () => {
  const made = await live({ query: '?user=alice', topics: ['orders', 'chat:the lobby'] });

  assert.equal(made.sockets[0].url, 'ws://shop/api/v1/ws?user=alice');
  assert.deepEqual(made.sockets[0].sent, [{ ...SUBSCRIBE, topics: ['orders', 'chat:the lobby'] }]);
  return made;
});

timed('it listens to others besides, now and after it was away', async ({ tick }) => {
  const made = world({ topics: 'all' });
  const named = () => made.sockets.flatMap(({ sent }) => sent).map(({ topics }) => topics);
  made.client.also(['chat:attic']);
  made.client.connect();
  await settled();
  const socket = made.sockets[0];
  socket.onopen();
  await settled();
  made.client.also(['chat:lobby']); // Before it is answered.
  socket.says({ type: 'subscribed', topics: [], seq: 7, epoch: 'e', recovered: true });
  socket.says({ type: 'subscribed', topics: [], seq: 7, epoch: 'e', recovered: true });
  socket.happens(8);
  made.client.also(['chat:hall', 'presence:hall']);
  assert.deepEqual(socket.sent.at(-1), { ...SUBSCRIBE, topics: ['counter', 'chat:hall', 'presence:hall'], since: 8 });
  socket.breaks();
  made.client.also(['chat:hall']);
  await tick(1_000);
  await opened(made);

  assert.deepEqual(named().map((topics) => topics.slice(1)),
    [['chat:attic'], ['chat:lobby'], ['chat:hall', 'presence:hall'], ['chat:hall']]);
  assert.equal(made.told.snapshot.length, 1);
  assert.deepEqual(made.told.event.map(({ seq }) => seq), [8]);
  return made;
});

timed('asked for all topics it names those of the snapshot; where there are none it names none', async () => {
  const made = await live({ topics: 'all' });
  assert.deepEqual(made.sockets[0].sent, [{ ...SUBSCRIBE, topics: ['counter'] }]);

  const empty = await live({ topics: 'all', fetch: async () => answer({ ...SNAPSHOT, state: {} }) });
  assert.deepEqual(empty.sockets[0].sent, [{ ...SUBSCRIBE, topics: [] }]);
  empty.client.close();
  return made;
});

timed('no topics are none, and not all', async () => {
  const made = await live({ topics: [] });
  made.client.also(['counter']);

  assert.deepEqual(made.sockets[0].sent.map(({ topics }) => topics), [[], ['counter']]);
  return made;
});

timed('where topics were not spoken of, one more would end all others: it is refused', async () => {
  const made = await live();
  made.client.also([]);

  assert.throws(() => made.client.also(['presence:lobby']), TypeError);
  assert.deepEqual(made.sockets[0].sent, [SUBSCRIBE, SUBSCRIBE]);
  return made;
});

timed('when a topic is gone it asks for what there is now', async ({ tick }) => {
  const states = [{ counter: {}, old: {} }, { counter: {} }];
  const fetch = async () => answer({ ...SNAPSHOT, state: states.shift() });
  const made = await live({ topics: 'all', fetch });
  made.sockets[0].breaks();
  await tick(1_000);
  made.sockets[1].onopen();
  made.sockets[1].says({ type: 'error', code: 'invalid', message: "there is no topic 'old'" });
  await settled();

  assert.deepEqual(made.sockets[1].sent.map(({ topics }) => topics), [['counter', 'old'], ['counter']]);
  return made;
});

timed('topics that do not exist, or may not be heard, are told as errors', async () => {
  const made = world({ topics: ['nothing'] });
  made.client.connect();
  await settled();
  made.sockets[0].onopen();
  await settled();
  made.sockets[0].says({ type: 'error', code: 'invalid', message: "there is no topic 'nothing'" });
  assert.equal(made.client.state, 'recovering');

  const denied = world({ topics: ['jobs'] });
  denied.client.connect();
  await opened(denied, { denied: ['jobs'] });
  assert.deepEqual(made.told.error, [{ code: 'invalid', message: "there is no topic 'nothing'" }]);
  assert.deepEqual(denied.told.error, [{ code: 'forbidden', message: 'not to be heard: jobs' }]);
  denied.client.close();
  return made;
});

timed('the view is the snapshot, and then what is made of it by each event', async () => {
  const apply = ({ counter }, name, fields, { seq }) => ({ counter, last: [name, fields, seq] });
  const made = await live({ apply });
  made.sockets[0].happens(8);
  made.sockets[0].happens(8);

  assert.deepEqual(made.client.view, { counter: { value: 3 }, last: ['WasReset', {}, 8] });
  assert.deepEqual(made.told.view, [SNAPSHOT.state, made.client.view]);
  return made;
});

timed('it reads an address of the service, with its query, and tells a refusal', async () => {
  const answers = [
    answer({ version: 3 }),
    answer({ code: 'not_found', message: 'no' }, false),
  ];
  const made = world({ query: '?user=alice', fetch: async () => answers.shift() });

  assert.deepEqual(await made.client.read('/api/v1/documents/x?full=1'), { version: 3 });
  await assert.rejects(made.client.read('/api/v1/documents/y'), { code: 'not_found' });

  assert.deepEqual(made.asked.map(({ url }) => url), [
    'http://shop/api/v1/documents/x?full=1&user=alice',
    'http://shop/api/v1/documents/y?user=alice',
  ]);
  return made;
});

for (const [what, fetch, message] of [
  ['a page of a proxy', async () => new Response('<html>', { status: 502, statusText: 'Bad Gateway' }), '502 Bad Gateway'],
  ['a page instead of an answer', async () => new Response('<html>', { statusText: 'OK' }), '200 OK'],
  ['nothing', async () => new Response('null', { status: 503 }), '503 '],
  ['the words of another', async () => new Response('{"detail":"x"}', { status: 404 }), '404 '],
  ['a network that is gone', async () => { throw new TypeError('fetch failed'); }, 'fetch failed'],
]) {
  timed(`whatever is in the way of reading is a CommandError: ${what}`, async () => {
    const made = world({ fetch });

    await assert.rejects(made.client.read('/'), { name: 'CommandError', code: 'unavailable', message });
    await assert.rejects(made.client.snapshot(), { name: 'CommandError', code: 'unavailable', message });
    return made;
  });
}

timed('reading that is taken back is a CommandError, too', async () => {
  const controller = new AbortController();
  const made = world({ fetch: async () => controller.signal.throwIfAborted() });
  controller.abort();

  await assert.rejects(made.client.read('/', controller.signal), { name: 'CommandError', code: 'aborted' });
  return made;
});

timed('delays double from one second to thirty, and jitter takes them down to zero', async ({ tick }) => {
  const made = world();
  made.client.connect();
  await settled();
  for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
    const before = made.sockets.length;
    made.sockets.at(-1).breaks();
    assert.equal(made.client.state, 'recovering');
    await tick(seconds * 1_000 - 1);
    assert.equal(made.sockets.length, before);
    await tick(1);
    assert.equal(made.sockets.length, before + 1);
  }

  const lucky = world({ random: () => 0 });
  lucky.client.connect();
  await settled();
  lucky.sockets[0].breaks();
  await tick(1);
  assert.equal(lucky.sockets.length, 2);
  lucky.client.close();
  return made;
});

timed('a stable connection makes the delay short again, a brief one does not', async ({ tick }) => {
  const made = await live();
  made.sockets[0].breaks();
  await tick(1_000);
  await opened(made);
  await tick(9_999);
  made.sockets[1].breaks();
  await tick(1_999);
  assert.equal(made.sockets.length, 2);
  await tick(1);
  await opened(made);
  await tick(10_000);

  made.sockets[2].breaks();
  await tick(1_000);

  assert.equal(made.sockets.length, 4);
  return made;
});

timed('clients of a draining server spread their return over five seconds', async ({ tick }) => {
  const made = await live();
  made.sockets[0].breaks(1012);

  await tick(4_999);
  assert.equal(made.sockets.length, 1);
  await tick(1);
  assert.equal(made.sockets.length, 2);
  return made;
});

for (const code of [4501, 4503, 4999]) {
  timed(`it does not come back after ${code}`, async ({ tick, pending, network, page }) => {
    const made = await live();
    made.sockets[0].breaks(code, 'go away');

    assert.deepEqual(made.told.close, [{ code, reason: 'go away' }]);
    assert.equal(made.client.state, 'stopped');
    assert.equal(pending.size + network.listening + page.listening, 0);
    network.dispatchEvent(new Event('online'));
    await tick(60_000);
    assert.equal(made.sockets.length, 1);
    return made;
  });
}

timed('kept out for too many connections, it comes back until it is let in', async ({ tick }) => {
  const made = world();
  made.client.connect();
  for (const seconds of [1, 2, 4]) {
    await settled();
    made.sockets.at(-1).onopen();
    made.sockets.at(-1).breaks(4429, 'alice has 10 connections already');
    assert.equal(made.client.state, 'recovering');
    await tick(seconds * 1_000);
  }
  await opened(made);

  assert.equal(made.client.state, 'live');
  assert.equal(made.sockets.length, 4);
  return made;
});

timed('it does not come back after it was closed, whenever that was', async ({ tick }) => {
  const made = await live();
  made.sockets[0].breaks();
  made.client.close();
  await tick(60_000);
  assert.equal(made.sockets.length, 1);

  made.client.connect();
  made.client.close();
  await tick(60_000);
  assert.equal(made.sockets.length, 1);

  made.client.connect();
  await settled();
  made.sockets[1].onopen();
  made.client.close();
  await settled();
  assert.deepEqual(made.told.snapshot.length, 1);
  assert.equal(made.told.state.at(-1), 'stopped');
  return made;
});

timed('connected again after it was closed, it starts from a snapshot', async () => {
  const made = await live();
  made.client.close();
  made.client.connect();
  await opened(made);

  assert.equal(made.told.snapshot.length, 2);
  return made;
});

timed('connected again after it was sent away, it starts from a snapshot of whoever is there now', async () => {
  const made = await live();
  made.sockets[0].breaks(4503, 'the token has been revoked');
  made.client.connect();
  await opened(made);

  assert.equal(made.asked.length, 2);
  assert.equal(made.told.snapshot.length, 2);
  return made;
});

timed('a network that is back ends the waiting', async ({ tick, network, page }) => {
  const made = await live();
  made.sockets[0].breaks();
  page.visibilityState = 'hidden';
  network.dispatchEvent(new Event('online'));
  await settled();
  assert.equal(made.sockets.length, 2);

  await tick(1_000);
  assert.equal(made.sockets.length, 2);
  return made;
});

timed('a page that is looked at again ends the waiting, one that is hidden does not', async ({ page }) => {
  const made = await live();
  made.sockets[0].breaks();
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  await settled();
  assert.equal(made.sockets.length, 1);

  page.visibilityState = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  await settled();
  assert.equal(made.sockets.length, 2);
  return made;
});

timed('looked at again, it asks at once whether the connection still holds', async ({ tick, page }) => {
  const made = await live();
  page.dispatchEvent(new Event('visibilitychange'));
  await tick(5_000);
  page.dispatchEvent(new Event('visibilitychange'));
  assert.equal(made.sockets[0].sent.at(-1).type, 'ping');

  await tick(5_000);
  assert.equal(made.client.state, 'recovering');
  return made;
});

timed('a ping that nobody answers ends the connection', async ({ tick }) => {
  const made = await live();
  const pings = () => made.sockets[0].sent.filter(({ type }) => type === 'ping').length;
  await tick(24_999);
  assert.equal(pings(), 0);
  await tick(1);
  assert.equal(pings(), 1);
  await tick(9_999);
  made.sockets[0].says({ type: 'pong' });
  await tick(15_001);
  assert.equal(pings(), 2);
  assert.equal(made.client.state, 'live');

  await tick(10_000);

  assert.equal(made.client.state, 'recovering');
  assert.ok(made.sockets[0].closed);
  assert.deepEqual(made.told.close, [{ code: 1006, reason: 'no answer to a ping' }]);
  return made;
});

timed('it answers a ping of the server', async () => {
  const made = await live();

  made.sockets[0].says({ type: 'ping' });

  assert.deepEqual(made.sockets[0].sent.at(-1), { type: 'pong' });
  return made;
});

timed('a snapshot that fails is tried again, one that is forbidden is not', async ({ tick }) => {
  const answers = [
    () => { throw new TypeError('network'); },
    () => answer({ code: 'unavailable', message: 'later' }, false),
    () => answer({ code: 'forbidden', message: 'never' }, false),
  ];
  const made = world({ fetch: async () => answers.shift()() });
  made.client.connect();
  for (const state of ['recovering', 'recovering', 'stopped']) {
    await opened(made);
    assert.equal(made.client.state, state);
    await tick(30_000);
  }

  assert.equal(made.sockets.length, 3);
  assert.deepEqual(made.told.close.map(({ reason }) => reason), ['network', 'later', 'never']);
  assert.deepEqual(made.told.error.map(({ code }) => code), ['unavailable', 'forbidden']);
  return made;
});

timed('a handshake or a snapshot that hangs is given up', async ({ tick }) => {
  const made = world({ fetch: () => new Promise(() => {}) });
  made.client.connect();
  await settled();
  await tick(15_000);
  assert.equal(made.client.state, 'recovering');
  await tick(1_000);
  made.sockets[1].onopen();
  await tick(15_000);

  assert.equal(made.told.close.length, 2);
  return made;
});

timed('a snapshot that comes for a connection that is lost says nothing to the next', async ({ tick }) => {
  const asked = [];
  const made = world({ fetch: () => new Promise((resolve) => asked.push(resolve)) });
  made.client.connect();
  await settled();
  made.sockets[0].onopen();
  await settled();
  made.sockets[0].breaks();
  await tick(1_000);
  asked[0](answer(SNAPSHOT));
  await settled();

  assert.deepEqual(made.sockets[1].sent, []);
  return made;
});

timed('interrupted, it recovers', async ({ tick }) => {
  const made = await live();
  made.client.interrupt();
  assert.equal(made.client.state, 'recovering');
  assert.ok(made.sockets[0].closed);
  await tick(1_000);
  await opened(made);

  assert.equal(made.client.state, 'live');
  return made;
});

timed('a message that cannot be read is told, and costs nothing else', async () => {
  const made = await live();
  made.sockets[0].onmessage({ data: '<html>' });
  made.sockets[0].says({ type: 'unheard of' });
  made.sockets[0].says({ type: 'error', code: 'invalid', message: 'what?' });
  made.sockets[0].happens(8);

  assert.deepEqual(made.told.error.map(({ message }) => message), ['this is no JSON: <html>', 'what?']);
  assert.equal(made.told.event.length, 1);
  return made;
});

timed('what a listener breaks is seen, and the others hear', async () => {
  const seen = [];
  const given = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (then) => { try { then(); } catch (error) { seen.push(error.message); } };
  try {
    const made = world({ apply: () => { throw new Error('apply'); } });
    const stop = made.client.on('event', () => { throw new Error('listener'); });
    const heard = [];
    made.client.on('event', ({ seq }) => heard.push(seq));
    made.client.connect();
    const socket = await opened(made);
    socket.happens(8);
    stop();
    socket.happens(9);

    assert.deepEqual(seen, ['apply', 'listener', 'apply']);
    assert.deepEqual(heard, [8, 9]);
    return made;
  } finally {
    globalThis.queueMicrotask = given;
  }
});

for (const name of ['state', 'snapshot', 'view', 'event', 'close']) {
  timed(`a listener to ${name} may close the client`, async () => {
    const made = world();
    made.client.on(name, () => made.client.close());
    made.client.connect();
    await settled();
    if (made.sockets.length) {
      const socket = await opened(made);
      if (socket.onmessage) socket.happens(8);
      if (socket.onclose) socket.breaks();
    }
    return made;
  });
}

timed('a thousand clients that come and go leave nothing', async ({ tick, pending, network, page }) => {
  const made = world();
  for (let cycle = 0; cycle < 1_000; cycle += 1) {
    made.client.connect();
    if (cycle % 4 > 0) await settled();
    if (cycle % 4 > 1) await opened(made);
    if (cycle % 4 > 2) made.sockets.at(-1).breaks();
    made.client.close();
    assert.equal(pending.size + network.listening + page.listening, 0);
  }
  await tick(60_000);

  assert.equal(made.sockets.length, 750);
  return made;
});

test('where there is no page, nobody is listened to', async () => {
  const made = await live();
  made.client.close();

  assert.equal(made.client.state, 'stopped');
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
