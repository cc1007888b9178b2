/**
 * A client whose socket, page, clock and service the test holds in its hands.
 *
 * The client's file is named in CLIENT.
 */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { pathToFileURL } from 'node:url';

export const { CommandError, LiveClient, tagged, uuid } = await import(
  pathToFileURL(process.env.CLIENT).href);
export const SNAPSHOT = { seq: 7, epoch: 'e', state: { counter: { value: 3 } } };
const NAMES = ['state', 'snapshot', 'event', 'view', 'error', 'close'];

class Socket {
  sent = [];
  closed = false;
  onopen = this.onmessage = this.onclose = null;
  constructor(url, protocols) { Object.assign(this, { url, protocols }); }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; }
  says(message) { this.onmessage({ data: JSON.stringify(message) }); }
  happens(...seqs) { for (const seq of seqs) this.says({ type: 'event', action: 'WasReset', seq }); }
  breaks(code = 1006, reason = '') { this.onclose({ code, reason }); }
  get isIdle() { return !this.onopen && !this.onmessage && !this.onclose; }
  get commands() { return this.sent.filter(({ type }) => type === 'command').map(({ id }) => id); }
}

/** The page: what it tells whom. */
export class Page extends EventTarget {
  visibilityState = 'visible';
  #heard = [];
  addEventListener(name, listener) {
    this.#heard.push([name, listener]);
    super.addEventListener(name, listener);
  }
  removeEventListener(name, listener) {
    this.#heard = this.#heard.filter(([other, heard]) => other !== name || heard !== listener);
    super.removeEventListener(name, listener);
  }
  get listening() { return this.#heard.length; }
}

export function answer(body, ok = true) {
  return { ok, json: async () => body };
}

/** A client, every socket that it opened, what it asked by HTTP, and all that it told. */
export function world({ fetch = async () => answer(SNAPSHOT), ...options } = {}) {
  const [sockets, asked] = [[], []];
  const told = Object.fromEntries(NAMES.map((name) => [name, []]));
  class Opened extends Socket {
    constructor(...given) { super(...given); sockets.push(this); }
  }
  const client = new LiveClient({
    base: 'http://shop',
    WebSocket: Opened,
    fetch: (url, { headers } = {}) => { asked.push({ url, ...headers }); return fetch(url); },
    random: () => 1,
    ...options,
  });
  for (const name of NAMES) client.on(name, (value) => told[name].push(value));
  return { client, sockets, asked, told };
}

/** Lets promises that are already settled have their say. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await null;
}

/** The newest socket opens, and what is asked for by it is told: by default that all is well. */
export async function opened({ sockets }, subscribed = {}) {
  await settled();
  const socket = sockets.at(-1);
  socket.onopen();
  await settled();
  if (socket.onmessage) {
    socket.says({ type: 'subscribed', topics: [], seq: 7, epoch: 'e', recovered: true, ...subscribed });
  }
  await settled();
  return socket;
}

export async function live(options) {
  const made = world(options);
  made.client.connect();
  await opened(made);
  return made;
}

/** A test with a page and a clock of its own; at the end closing leaves nothing behind. */
export function timed(name, body) {
  test(name, async () => {
    const pending = new Set();
    const [network, page] = [new Page(), new Page()];
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const { setTimeout: set, clearTimeout: clear } = globalThis;
    Object.assign(globalThis, {
      setTimeout(then, delay) {
        const id = set(() => { pending.delete(id); then(); }, delay);
        pending.add(id);
        return id;
      },
      clearTimeout(id) { pending.delete(id); if (id !== undefined) clear(id); },
      addEventListener: network.addEventListener.bind(network),
      removeEventListener: network.removeEventListener.bind(network),
      document: page,
    });
    try {
      const tick = async (delay) => { mock.timers.tick(delay); await settled(); };
      const { client, sockets } = await body({ tick, pending, network, page });
      client.close();
      await settled();
      assert.equal(pending.size, 0);
      assert.ok(sockets.every((socket) => socket.closed && socket.isIdle));
      assert.equal(network.listening + page.listening, 0);
      assert.equal(client.state, 'stopped');
    } finally {
      Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
      for (const name of ['addEventListener', 'removeEventListener', 'document']) {
        delete globalThis[name];
      }
      mock.timers.reset();
    }
  });
}
