/**
 * A client of the live connection: it connects, reconnects, catches up, and sends commands.
 *
 *     const client = new LiveClient();
 *     client.on('snapshot', ({ state }) => showAll(state));
 *     client.on('event', (message) => apply(...tagged(message.action)));
 *     client.connect();
 *     const { seq } = await client.send({ AddStock: { product_id: 'tea', quantity: 5 } });
 *
 * No dependencies: it runs in browsers and, given a WebSocket, in Node.
 *
 * @typedef {'connecting' | 'live' | 'recovering' | 'stopped'} ConnectionState
 * @typedef {string | Record<string, object>} Action  `{"Name": {…fields}}`, or `"Name"` without fields
 * @typedef {{type: 'event', action: Action, seq?: number, cause?: string}} EventMessage
 * @typedef {{type: 'ack', id: string, seq: number}} Ack
 * @typedef {{code?: string, message: string, id?: string, retry_after?: number}} Refusal
 * @typedef {{seq: number, epoch: string, state: Record<string, any>}} Snapshot
 */

// Milliseconds.
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;
const DRAIN_DELAY = 5_000;
const STABLE_AFTER = 10_000;
const CONNECT_WITHIN = 15_000;
const PING_EVERY = 25_000;
const PONG_WITHIN = 10_000;

// Close codes: the server is going away, and its other clients come back at the same time.
const DRAINING = [1001, 1012];
const LOST = 1006;
const FORBIDDEN = 4503;

/** A command that was refused, or could not be sent (`offline`), or got no answer (`lost`). */
export class CommandError extends Error {
  /** @param {Refusal} refusal */
  constructor({ code = 'internal', message, id, retry_after }) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
    this.id = id;
    this.retryAfter = retry_after;
  }
}

/** One connection to the service, for as long as the page lives. */
export class LiveClient {
  /** @type {ConnectionState} */
  state = 'stopped';
  /** The log position of the newest event heard, or of the snapshot. */
  seq = 0;

  #base; #query; #WebSocket; #fetch; #random;
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {AbortController | null} */ #fetching = null;
  /** @type {EventMessage[] | null} events heard before the snapshot; null once it is there */
  #held = null;
  #failures = 0;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */ #timers = new Map();
  /** @type {Map<string, {resolve: (ack: Ack) => void, reject: (error: Error) => void}>} */
  #pending = new Map();
  /** @type {Map<string, Set<(value: any) => void>>} */ #listeners = new Map();

  /**
   * @param {object} [options]
   * @param {string} [options.base]  where the service is, such as `https://shop.example`
   * @param {string} [options.query]  added to both addresses, such as `?user=alice`
   * @param {typeof WebSocket} [options.WebSocket]
   * @param {typeof fetch} [options.fetch]
   * @param {() => number} [options.random]  from 0 to 1, for the jitter
   */
  constructor(options = {}) {
    this.#base = options.base ?? globalThis.location.origin;
    this.#query = options.query ?? '';
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#random = options.random ?? Math.random;
  }

  /**
   * Listen to `state` (ConnectionState), `snapshot` (Snapshot: forget all and start from it),
   * `event` (EventMessage) or `error` (a Refusal that no command asked for).
   * @param {'state' | 'snapshot' | 'event' | 'error'} name
   * @param {(value: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Connect, and stay connected until `close()` or until the server says not to come back. */
  connect() {
    if (this.state !== 'stopped') return;
    this.#become('connecting');
    this.#open();
  }

  /** Try again now instead of after the delay, for example because the network is back. */
  retry() {
    if (this.#timers.has('retry')) this.#open();
  }

  /** Let go of everything: the socket, every timer, every listener, every waiting command. */
  close() {
    this.#drop('the connection was closed');
    this.#become('stopped');
    this.#listeners.clear();
  }

  /**
   * Ask the service to do something. A command whose answer was `lost` may be sent again with
   * the same id: it is not done twice.
   * @param {Action} action
   * @param {string} [id]
   * @returns {Promise<Ack>} rejects with a CommandError
   */
  send(action, id = uuid()) {
    return new Promise((resolve, reject) => {
      if (this.state !== 'live' || !this.#socket) {
        throw new CommandError({ code: 'offline', message: 'not connected: nothing was sent', id });
      }
      this.#pending.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ type: 'command', action, id }));
    });
  }

  /**
   * What the service knows now.
   * @param {AbortSignal} [signal]
   * @returns {Promise<Snapshot>}
   */
  async snapshot(signal) {
    const address = `${this.#base}/api/v1/snapshot${this.#query}`;
    const response = await this.#fetch(address, { signal, cache: 'no-store' });
    const body = await response.json();
    if (!response.ok) throw new CommandError(body);
    return body;
  }

  #open() {
    this.#clear('retry');
    this.#after('connect', CONNECT_WITHIN, () => this.#lost(LOST));
    const fetching = new AbortController();
    const address = `${this.#base.replace(/^http/, 'ws')}/api/v1/ws${this.#query}`;
    const socket = new this.#WebSocket(address);
    this.#held = [];
    this.#fetching = fetching;
    this.#socket = socket;
    socket.onopen = () => this.#catchUp(fetching.signal);
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(code);
    socket.onerror = () => {}; // `close` follows, and has the code.
  }

  /**
   * The socket is open first and the snapshot is taken second, so that no event falls between.
   * @param {AbortSignal} signal
   */
  async #catchUp(signal) {
    try {
      const snapshot = await this.snapshot(signal);
      if (!signal.aborted) this.#start(snapshot);
    } catch (error) {
      const forbidden = ['unauthenticated', 'forbidden'].includes(/** @type {any} */ (error).code);
      if (!signal.aborted) this.#lost(forbidden ? FORBIDDEN : LOST);
    }
  }

  /** @param {Snapshot} snapshot */
  #start(snapshot) {
    const held = this.#held ?? [];
    this.#held = null;
    this.seq = snapshot.seq;
    this.#emit('snapshot', snapshot);
    held.forEach((message) => this.#heard(message));
    this.#clear('connect');
    this.#after('stable', STABLE_AFTER, () => { this.#failures = 0; });
    this.#after('ping', PING_EVERY, () => this.#ping());
    this.#become('live');
  }

  #ping() {
    this.#after('pong', PONG_WITHIN, () => this.#lost(LOST));
    this.#after('ping', PING_EVERY, () => this.#ping());
    this.#socket?.send('{"type":"ping"}');
  }

  /** @param {any} message */
  #received(message) {
    this.#clear('pong'); // Whatever arrives shows that the other side is there.
    switch (message.type) {
      case 'event': return this.#held ? void this.#held.push(message) : this.#heard(message);
      case 'ack': return this.#settle(message, (command) => command.resolve(message));
      case 'error': return this.#settle(message, ({ reject }) => reject(new CommandError(message)));
      case 'ping': return this.#socket?.send('{"type":"pong"}');
    }
  }

  /** @param {EventMessage} message */
  #heard(message) {
    if (message.seq !== undefined && message.seq !== null) {
      if (message.seq <= this.seq) return;
      this.seq = message.seq;
    }
    this.#emit('event', message);
  }

  /**
   * @param {any} answer
   * @param {(command: {resolve: (ack: Ack) => void, reject: (error: Error) => void}) => void} how
   */
  #settle(answer, how) {
    const command = this.#pending.get(answer.id);
    if (command) {
      this.#pending.delete(answer.id);
      how(command);
    } else if (answer.type === 'error') {
      this.#emit('error', answer);
    }
  }

  /** @param {number} code */
  #lost(code) {
    this.#drop('the connection was lost before the answer came');
    if (code >= 4500 && code < 5000) return this.#become('stopped');
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    const delay = DRAINING.includes(code) ? Math.max(longest, DRAIN_DELAY) : longest;
    this.#after('retry', this.#random() * delay, () => this.#open());
    this.#become('recovering');
  }

  /** @param {string} message  what the waiting commands are told */
  #drop(message) {
    [...this.#timers.keys()].forEach((name) => this.#clear(name));
    this.#fetching?.abort();
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const pending = [...this.#pending];
    this.#pending.clear();
    pending.forEach(([id, { reject }]) => reject(new CommandError({ code: 'lost', message, id })));
  }

  /** @param {ConnectionState} state */
  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.#emit('state', state);
  }

  /** @param {string} name  @param {any} value */
  #emit(name, value) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(value);
      } catch (error) {
        console.error(error); // One faulty listener must not cost the others the event.
      }
    }
  }

  /** @param {string} name  @param {number} delay  @param {() => void} then */
  #after(name, delay, then) {
    this.#clear(name);
    this.#timers.set(name, setTimeout(() => { this.#timers.delete(name); then(); }, delay));
  }

  /** @param {string} name */
  #clear(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

/**
 * The name of an action and its fields.
 * @param {Action} action
 * @returns {[string, Record<string, any>]}
 */
export function tagged(action) {
  return typeof action === 'string' ? [action, {}] : Object.entries(action)[0];
}

/** A random UUID; plain HTTP on another machine is no secure context and lacks `randomUUID`. */
export function uuid() {
  if (globalThis.crypto.randomUUID) return globalThis.crypto.randomUUID();
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
