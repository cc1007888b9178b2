/** How it says who it is, and how it goes on saying so. */

import assert from 'node:assert/strict';
import { SNAPSHOT, answer, live, opened, settled, timed, world } from './world.mjs';

/** A token that ends so many seconds after the clock began. */
function token(name, exp) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256' })}.${part({ sub: `${name}~~~???`, exp })}.signature`;
}

/** Gives these tokens, one after the other; an Error is thrown instead. */
function giving(...tokens) {
  const given = { times: 0 };
  given.getToken = async () => {
    const next = tokens[Math.min(given.times++, tokens.length - 1)];
    if (next instanceof Error) throw next;
    return next;
  };
  return given;
}

timed('the token is sent with the handshake and with every request', async () => {
  const made = await live({ getToken: () => 'secret' });

  assert.deepEqual(made.sockets[0].protocols, ['app.v1', 'bearer.secret']);
  assert.deepEqual(made.asked, [{ url: 'http://shop/api/v1/snapshot', Authorization: 'Bearer secret' }]);
  return made;
});

timed('without a token nothing is said', async () => {
  const made = await live({ getToken: () => null });

  assert.deepEqual(made.sockets[0].protocols, []);
  assert.deepEqual(made.asked, [{ url: 'http://shop/api/v1/snapshot' }]);
  return made;
});

timed('a token is renewed half a minute before it ends, on the same connection', async ({ tick }) => {
  const [first, second, third] = [token('a', 100), token('b', 200), token('c', 300)];
  const given = giving(first, first, second, third);
  const made = await live(given);
  const auths = () => made.sockets[0].sent.filter(({ type }) => type === 'auth');
  const quiet = async (delay) => { await tick(delay); made.sockets[0].says({ type: 'pong' }); };
  for (let second = 0; second < 69; second += 1) await quiet(1_000);
  assert.deepEqual(auths(), []);
  await quiet(1_000);
  assert.deepEqual(auths(), [{ type: 'auth', token: second }]);
  for (let second = 0; second < 100; second += 1) await quiet(1_000);

  assert.deepEqual(auths().slice(1), [{ type: 'auth', token: third }]);
  assert.equal(made.sockets.length, 1);
  return made;
});

for (const [what, odd] of Object.entries({ old: token('a', 1), opaque: 'x.y', own: token('a') })) {
  timed(`a token is not renewed whose end cannot be told: ${what}`, async ({ tick, pending }) => {
    await tick(2_000);
    const made = await live({ getToken: () => odd });

    assert.equal(pending.size, 2); // It pings, and will have been stable.
    return made;
  });
}

timed('the same token is not sent twice, and one that cannot be had is told', async ({ tick }) => {
  const same = await live(giving(token('a', 20)));
  await tick(10_000);
  assert.ok(same.sockets[0].sent.every(({ type }) => type !== 'auth'));
  same.client.close();

  const first = token('a', 30);
  const made = await live(giving(first, first, new Error('logged out')));
  await tick(10_000);
  assert.deepEqual(made.told.error, [{ code: 'unauthenticated', message: 'logged out' }]);
  assert.equal(made.client.state, 'live');
  return made;
});

timed('a token that comes after closing is not used', async ({ tick }) => {
  let give;
  const made = world({ getToken: () => new Promise((resolve) => { give = resolve; }) });
  made.client.connect();
  made.client.close();
  give('late');
  await tick(0);

  assert.deepEqual(made.sockets, []);
  return made;
});

timed('after 4401 it comes back once with a new token, not twice', async ({ tick }) => {
  const given = giving('one', 'one', 'two', 'three');
  const made = await live(given);
  made.sockets[0].breaks(4401, 'the token has expired');
  assert.equal(made.client.state, 'recovering');
  await tick(1_000);
  assert.deepEqual(made.sockets[1].protocols, ['app.v1', 'bearer.two']);
  made.sockets[1].breaks(4401, 'the token has expired');
  await tick(60_000);

  assert.equal(made.client.state, 'stopped');
  assert.equal(made.sockets.length, 2);
  return made;
});

timed('whoever gives tokens is told once that the last one was refused', async ({ tick }) => {
  const asked = [];
  const getToken = async ({ refused }) => { asked.push(refused); return 'x'; };
  const made = await live({ getToken });
  made.sockets[0].breaks(4401, 'the token has expired');
  await tick(1_000);
  made.sockets[1].breaks(1006);
  await tick(2_000);
  await opened(made);

  assert.deepEqual(asked, [false, false, true, false]);
  assert.equal(made.client.state, 'live');
  return made;
});

timed('while no other token can be had, it is asked for again', async ({ tick }) => {
  const asked = [];
  const getToken = async ({ refused }) => {
    asked.push(refused);
    if (asked.length === 3) throw new Error('no network');
    return 'x';
  };
  const made = await live({ getToken });
  made.sockets[0].breaks(4401, 'the token has expired');
  await tick(1_000);
  await tick(2_000);
  await opened(made);

  assert.deepEqual(asked, [false, false, true, true]);
  assert.equal(made.client.state, 'live');
  return made;
});

timed('a token that is remembered by a clock that is behind is replaced when it is refused', async ({ tick }) => {
  let [remembered, made] = ['old', 0];
  const getToken = ({ refused }) => {
    if (refused) remembered = `new ${made += 1}`;
    return remembered;
  };
  const at = await live({ getToken });
  at.sockets[0].breaks(4401, 'the token has expired');
  await tick(1_000);

  assert.deepEqual(at.sockets[1].protocols, ['app.v1', 'bearer.new 1']);
  return at;
});

timed('a token that was good for a while is renewed again', async ({ tick }) => {
  const made = await live({ getToken: () => 'x' });
  for (let time = 0; time < 3; time += 1) {
    made.sockets.at(-1).breaks(4401);
    await tick(30_000);
    await opened(made);
  }

  assert.equal(made.client.state, 'live');
  return made;
});

timed('after 4401 it does not come back when there is nobody to give a token', async () => {
  const made = await live();
  made.sockets[0].breaks(4401);

  assert.equal(made.client.state, 'stopped');
  return made;
});

timed('a snapshot that nobody may have without a token is as 4401', async ({ tick }) => {
  const answers = [answer({ code: 'unauthenticated', message: 'expired' }, false), answer(SNAPSHOT)];
  const made = world({ getToken: () => 'x', fetch: async () => answers.shift() });
  made.client.connect();
  await opened(made);
  assert.equal(made.client.state, 'recovering');
  await tick(1_000);
  await opened(made);
  assert.equal(made.client.state, 'live');

  const nobody = world({ fetch: async () => answer({ code: 'unauthenticated', message: 'no' }, false) });
  nobody.client.connect();
  await opened(nobody);
  assert.deepEqual(nobody.told.close, [{ code: 4401, reason: 'no' }]);
  assert.equal(nobody.client.state, 'stopped');
  return made;
});

timed('a mistake in asking for a token is a lost connection, in the order of all others', async () => {
  const made = world({ getToken: () => { throw new Error('a mistake'); } });
  made.client.connect();
  assert.equal(made.client.state, 'connecting');
  await settled();

  assert.deepEqual(made.told.state, ['connecting', 'recovering']);
  assert.deepEqual(made.told.close, [{ code: 1006, reason: 'a mistake' }]);
  return made;
});

timed('a token that cannot be had is asked for again, later and later', async ({ tick }) => {
  const failed = new Error('no network');
  const made = world(giving(failed, failed, 'one'));
  made.client.connect();
  await settled();
  await tick(1_000);
  await tick(2_000);

  assert.deepEqual(made.told.close, Array(2).fill({ code: 1006, reason: 'no network' }));
  assert.equal(made.sockets.length, 1);
  return made;
});
