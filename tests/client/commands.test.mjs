/** What becomes of a command: with a connection, without one, and when one breaks. */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { live, opened, settled, timed, world } from './world.mjs';

timed('a command settles on its own ack or error', async () => {
  const made = await live();
  const [socket] = made.sockets;
  const done = made.client.send({ Increment: { by: 1 } }, 'one');
  const refused = made.client.send('Reset');
  const [, first, second] = socket.sent;
  assert.deepEqual(first, { type: 'command', action: { Increment: { by: 1 } }, id: 'one' });

  socket.says({ type: 'error', code: 'conflict', message: 'no', id: second.id });
  socket.says({ type: 'ack', id: 'one', seq: 8 });

  await assert.rejects(refused, { name: 'CommandError', code: 'conflict', message: 'no' });
  assert.equal((await done).seq, 8);
  assert.deepEqual(made.told.error, []);
  return made;
});

timed('a refusal says where, and when to come back', async () => {
  const made = await live();
  const refused = made.client.send('Reset', 'one');
  const fields = [{ loc: 'by', message: 'Field required' }];
  made.sockets[0].says({ type: 'error', code: 'invalid', message: 'no', id: 'one', fields, retry_after: 2 });

  await assert.rejects(refused, { id: 'one', fields, retryAfter: 2 });
  return made;
});

timed('a command that is given before the connection is live is sent when it is', async () => {
  const made = world();
  made.client.connect();
  const answers = ['one', 'two', 'three'].map((id) => made.client.send('Reset', id));
  const socket = await opened(made);

  assert.deepEqual(socket.commands, ['one', 'two', 'three']);
  for (const id of socket.commands) socket.says({ type: 'ack', id, seq: 8 });
  assert.equal((await Promise.all(answers)).length, 3);
  return made;
});

timed('what has no answer when the connection breaks is sent again, as it was, in order', async ({ tick }) => {
  const made = await live();
  const action = { Increment: { by: 1 } };
  const answers = ['one', 'two', 'three'].map((id) => made.client.send(action, id));
  made.sockets[0].says({ type: 'ack', id: 'two', seq: 8 });
  made.sockets[0].breaks();
  action.Increment.by = 2;
  answers.push(made.client.send(action, 'four'));
  await tick(1_000);
  const socket = await opened(made);
  const [, ...again] = socket.sent;

  assert.deepEqual(again.map(({ id, action }) => [id, action.Increment.by]), [
    ['one', 1], ['three', 1], ['four', 2],
  ]);
  for (const id of socket.commands) socket.says({ type: 'ack', id, seq: 8, duplicate: true });
  assert.equal((await Promise.all(answers)).length, 4);
  return made;
});

timed('commands wait until the client has a position to hear from', async ({ tick }) => {
  const made = await live();
  made.client.send('Reset', 'one').catch(() => {});
  made.sockets[0].breaks();
  await tick(1_000);
  made.sockets[1].onopen();
  await settled();

  assert.deepEqual(made.sockets[1].commands, []);
  return made;
});

timed('the outbox has an end, and room again when there are answers', async () => {
  const made = world({ outbox: 2 });
  made.client.connect();
  const one = made.client.send('Reset', 'one');
  made.client.send('Reset', 'two').catch(() => {});
  await assert.rejects(made.client.send('Reset', 'three'), { code: 'outbox_full', id: 'three' });
  const socket = await opened(made);
  socket.says({ type: 'ack', id: 'one', seq: 8 });
  await one;

  made.client.send('Reset', 'three').catch(() => {});
  assert.deepEqual(socket.commands, ['one', 'two', 'three']);
  return made;
});

timed('by default the outbox holds 256', async () => {
  const made = world();
  made.client.connect();
  for (let number = 0; number < 256; number += 1) made.client.send('Reset').catch(() => {});

  await assert.rejects(made.client.send('Reset'), { code: 'outbox_full' });
  return made;
});

timed('of many commands 32 are under way, the next goes when one is answered', async () => {
  const made = await live();
  const ids = Array.from({ length: 100 }, (_, number) => `${number}`);
  const answers = ids.map((id) => made.client.send('Reset', id));
  const [socket] = made.sockets;
  assert.deepEqual(socket.commands, ids.slice(0, 32));
  for (const id of ids) {
    socket.says({ type: 'ack', id, seq: 8 });
    assert.ok(socket.commands.length <= Number(id) + 33);
  }

  await Promise.all(answers);
  assert.deepEqual(socket.commands, ids);
  return made;
});

for (const code of ['rate_limited', 'unavailable']) {
  timed(`${code}: all wait as long as the service says, and then come in order`, async ({ tick }) => {
    const made = await live();
    const [socket] = made.sockets;
    const answers = ['one', 'two', 'three'].map((id) => made.client.send('Reset', id));
    socket.says({ type: 'ack', id: 'one', seq: 8 });
    for (const id of ['two', 'three']) {
      socket.says({ type: 'error', code, message: 'later', id, retry_after: 2 });
    }
    answers.push(made.client.send('Reset', 'four'));
    await tick(1_999);
    assert.deepEqual(socket.commands, ['one', 'two', 'three']);
    await tick(1);
    assert.deepEqual(socket.commands.slice(3), ['two', 'three', 'four']);

    for (const id of ['two', 'three', 'four']) socket.says({ type: 'ack', id, seq: 8 });
    await Promise.all(answers);
    return made;
  });
}

timed('a command that is refused for the moment ten times is refused', async ({ tick }) => {
  const made = await live();
  const refused = made.client.send('Reset', 'one');
  for (let time = 0; time < 10; time += 1) {
    made.sockets[0].says({ type: 'error', code: 'unavailable', message: 'later', id: 'one' });
    await tick(1_000);
  }

  await assert.rejects(refused, { code: 'unavailable' });
  assert.equal(made.sockets[0].commands.length, 10);
  return made;
});

for (const how of ['its connection was lost', 'nobody knew']) {
  timed(`a command that may have been done, since ${how}, is never refused as too fast`, async ({ tick }) => {
    const made = await live();
    const sent = made.client.send('Reset', 'one');
    const refuse = async (code) => {
      made.sockets.at(-1).says({ type: 'error', code, message: 'later', id: 'one' });
      await tick(1_000);
    };
    if (how === 'nobody knew') await refuse('unavailable');
    else {
      made.sockets[0].breaks();
      await tick(1_000);
      await opened(made);
    }
    for (let time = 0; time < 15; time += 1) await refuse('rate_limited');
    made.sockets.at(-1).says({ type: 'ack', id: 'one', seq: 8, duplicate: true });

    assert.ok((await sent).duplicate);
    return made;
  });
}

timed('the biggest command is the one with the most bytes', async ({ tick }) => {
  const made = await live();
  const long = made.client.send({ SendMessage: { text: 'x'.repeat(60_000) } }, 'one');
  const big = made.client.send({ SendMessage: { text: '茶'.repeat(30_000) } }, 'two');
  made.sockets[0].breaks(1009);
  await assert.rejects(big, { code: 'too_large', id: 'two' });
  await tick(1_000);
  const socket = await opened(made);

  socket.says({ type: 'ack', id: 'one', seq: 8 });
  await long;
  return made;
});

timed('a command that is too big is given up, the others are not', async ({ tick }) => {
  const made = await live();
  const small = made.client.send('Reset', 'one');
  const big = made.client.send({ SendMessage: { text: 'x'.repeat(100_000) } }, 'two');
  made.sockets[0].breaks(1009);
  await assert.rejects(big, { code: 'too_large', id: 'two' });
  await tick(1_000);
  const socket = await opened(made);

  assert.deepEqual(socket.commands, ['one']);
  socket.says({ type: 'ack', id: 'one', seq: 8 });
  await small;
  return made;
});

timed('an id that waits already has one answer', async () => {
  const made = await live();
  const [one, again] = [made.client.send('Reset', 'one'), made.client.send('Reset', 'one')];
  made.sockets[0].says({ type: 'ack', id: 'one', seq: 8 });

  assert.deepEqual(await one, await again);
  assert.deepEqual(made.sockets[0].commands, ['one']);
  return made;
});

timed('an id that waits is refused to another command', async () => {
  const made = await live();
  const one = made.client.send('Reset', 'one');
  await assert.rejects(made.client.send({ Increment: { by: 1 } }, 'one'), {
    name: 'CommandError', code: 'id_reused', id: 'one',
  });
  made.sockets[0].says({ type: 'ack', id: 'one', seq: 8 });

  assert.equal((await one).seq, 8);
  assert.deepEqual(made.sockets[0].commands, ['one']);
  return made;
});

for (const [what, [action, id]] of Object.entries({
  'half a character': [{ SendMessage: { text: 'tea \ud83d' } }],
  'half a character for a name': [{ SendMessage: { '\udc00': '' } }],
  'half a character for an id': ['Reset', '\ud83d'],
  'an empty id': ['Reset', ''],
  'an id that is too long': ['Reset', 'x'.repeat(65)],
  'an id that is a number': ['Reset', 5],
})) {
  timed(`what the service could not answer is refused before it is sent: ${what}`, async () => {
    const made = await live();

    await assert.rejects(made.client.send(action, id), { name: 'CommandError', code: 'invalid' });
    assert.deepEqual(made.sockets[0].commands, []);
    return made;
  });
}

timed('whole characters are sent, and as many of an id as the service reads', async () => {
  const made = await live();
  const [action, id] = [{ SendMessage: { text: '🍵 \\ud83d \\\\ud83d' } }, '🍵'.repeat(64)];
  const done = made.client.send(action, id);
  assert.deepEqual(made.sockets[0].sent.at(-1), { type: 'command', action, id });
  made.sockets[0].says({ type: 'ack', id, seq: 8 });

  assert.equal((await done).seq, 8);
  return made;
});

timed('the service may say to wait for very long, and is asked again in ten minutes', async ({ tick }) => {
  const made = await live();
  const [socket] = made.sockets;
  const done = made.client.send('Reset', 'one');
  socket.says({ type: 'error', code: 'unavailable', message: 'later', id: 'one', retry_after: 1e20 });
  for (let second = 0; second < 599; second += 1) {
    await tick(1_000);
    socket.says({ type: 'pong' });
  }
  assert.deepEqual(socket.commands, ['one']);
  await tick(1_000);
  assert.deepEqual(socket.commands, ['one', 'one']);
  socket.says({ type: 'ack', id: 'one', seq: 8 });

  assert.equal((await done).seq, 8);
  return made;
});

timed('a signal takes back what waits, and nothing else', async () => {
  const made = world();
  made.client.connect();
  const [one, two] = [new AbortController(), new AbortController()];
  const [taken, kept] = [one, two].map(({ signal }, at) => made.client.send('Reset', `${at}`, signal));
  one.abort();
  await assert.rejects(taken, { name: 'CommandError', code: 'aborted', id: '0' });
  await assert.rejects(made.client.send('Reset', 'late', one.signal), { code: 'aborted' });
  const socket = await opened(made);
  assert.deepEqual(socket.commands, ['1']);

  socket.says({ type: 'ack', id: '1', seq: 8 });
  await kept;
  for (const { signal } of [one, two]) assert.deepEqual(getEventListeners(signal, 'abort'), []);
  return made;
});

timed('what has been sent may be done, and is not taken back', async ({ tick }) => {
  const made = await live();
  const controller = new AbortController();
  const done = made.client.send('Reset', 'one', controller.signal);
  made.sockets[0].breaks();
  controller.abort();
  await tick(1_000);
  const socket = await opened(made);

  assert.deepEqual(socket.commands, ['one']);
  socket.says({ type: 'ack', id: 'one', seq: 8, duplicate: true });
  assert.equal((await done).duplicate, true);
  return made;
});

timed('what waits is rejected when the client is closed or sent away, and so is what comes', async () => {
  const made = world();
  await assert.rejects(made.client.send('Reset'), { code: 'stopped' });

  made.client.connect();
  const waiting = made.client.send('Reset');
  made.client.close();
  await assert.rejects(waiting, { code: 'stopped', message: 'the client was closed' });

  made.client.connect();
  const sent = made.client.send('Reset');
  (await opened(made)).breaks(4503, 'the token has been revoked');
  await assert.rejects(sent, { code: 'stopped', message: 'the token has been revoked' });
  await assert.rejects(made.client.send('Reset'), { code: 'stopped' });
  return made;
});

timed('what is no JSON is refused at once', async () => {
  const made = await live();

  await assert.rejects(made.client.send({ Increment: { by: 1n } }), TypeError);
  return made;
});
