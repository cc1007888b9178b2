/**
 * A client of the live connection: it connects, reconnects, catches up, and sends commands.
 *
 * @typedef {'connecting' | 'live' | 'recovering' | 'stopped'} ConnectionState
 * @typedef {string | Record<string, object>} Action  `{"Name": {…fields}}`, or `"Name"` without fields
 * @typedef { {type: 'event', action: Action, seq?: number | null, cause?: string | null} } EventMessage
 * @typedef { {type: 'ack', id: string, seq: number, duplicate?: boolean} } Ack
 * @typedef { {message: string, code?: string, id?: string, retry_after?: number} } Refusal
 * @typedef { {seq: number, epoch: string, state: Record<string, any>} } Snapshot
 */

// Milliseconds.
const [FIRST_DELAY, LONGEST_DELAY, DRAIN_DELAY] = [1_000, 30_000, 5_000];
const [CONNECT_WITHIN, STABLE_AFTER, PING_EVERY, PONG_WITHIN] = [15_000, 10_000, 25_000, 10_000];
// Close codes. A draining server sends all its clients away at once: they spread their return.
const [LOST, FORBIDDEN, OURS, DRAINING] = [1006, 4503, 4000, [1001, 1012]];

/** A command that was refused, could not be sent (`offline`), or got no answer (`lost`). */
export class CommandError extends Error {
  constructor(/** @type {Refusal} */ { message, code = 'internal', id, retry_after }) {
    super(message);
    Object.assign(this, { name: 'CommandError', code, id, retryAfter: retry_after });
  }
}

/** One connection to the service, for as long as the page lives. */
export class LiveClient {
  /** @type {ConnectionState} */
  state = 'stopped';
  /** The log position of the newest event heard, or of the snapshot. */
  seq = 0;

  /** @type {WebSocket | null} */ #socket = null;
  /** @type {AbortController | null} */ #fetching = null;
  /** @type {EventMessage[] | null} */ #early = null; // Events that came before the snapshot.
  #failures = 0;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */ #timers = {};
  /** @type {Map<string, {resolve: (ack: Ack) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();
  /** @type {Map<string, Set<(value: any) => void>>} */ #listeners = new Map();

  /**
   * `base` is where the service is; `query`, such as `?user=alice`, is added to every address.
   * `topics` are the names to listen to, or `'all'`: those that the snapshot shows. Without them
   * every event is heard that is kept in the log; those that only pass reach who names them.
   * @param { {base?: string, query?: string, topics?: string[] | 'all', WebSocket?: any,
   *   fetch?: any, random?: () => number} } [options]
   */
  constructor(options = {}) {
    this.base = options.base ?? globalThis.location.origin;
    this.query = options.query ?? '';
    this.topics = options.topics ?? [];
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.fetch = options.fetch ?? globalThis.fetch;
    this.random = options.random ?? Math.random;
  }

  /**
   * Listen to `state`, `snapshot` (forget all and start from it), `event`, or `error` (a Refusal
   * that belongs to no command, or why the connection was closed or not had). @param {string} name @param {(value: any) => void} listener
   */
  on(name, listener) {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  }

  /** Connect, and stay connected until `close()`, or until the server says not to come back. */
  connect() {
    if (this.state !== 'stopped') return;
    this.#become('connecting');
    this.#open();
  }

  /** Let go of everything: the socket, the timers, the listeners, the commands that wait. */
  close() {
    this.#drop('the connection was closed');
    this.#become('stopped');
    this.#listeners.clear();
  }

  /**
   * Ask the service to do something; rejects with a CommandError. After `lost` the next snapshot
   * shows whether it was done. @param {Action} action @returns {Promise<Ack>}
   */
  async send(action, id = uuid()) {
    const socket = this.#socket;
    if (this.state !== 'live' || !socket) {
      throw new CommandError({ code: 'offline', message: 'not connected: nothing was sent', id });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ type: 'command', action, id }));
    });
  }

  /** What the service knows now. @param {AbortSignal} [signal] @returns {Promise<Snapshot>} */
  snapshot(signal) {
    return this.read('/api/v1/snapshot', signal);
  }

  /** What is at an address of the service. @param {string} path @param {AbortSignal} [signal] */
  async read(path, signal) {
    const { fetch } = this; // Called as a method, the browser's own refuses to work.
    const response = await fetch(`${this.base}${path}${this.query}`, { signal });
    const body = await response.json();
    if (!response.ok) throw new CommandError(body);
    return body;
  }

  #open() {
    this.#after('connect', CONNECT_WITHIN, () => this.#lost(LOST));
    const { signal } = (this.#fetching = new AbortController());
    if (this.topics !== 'all') this.#listen(this.topics, signal);
    else this.#take(signal, ({ state }) => this.#listen(Object.keys(state), signal));
  }

  // The socket is opened first and the snapshot taken second, so that no event falls between.
  // A snapshot that only gave the names of topics is not the one to start from.
  #listen(/** @type {string[]} */ topics, /** @type {AbortSignal} */ signal) {
    this.#early = [];
    const address = this.base.replace(/^http/, 'ws');
    const names = topics.map((topic) => encodeURIComponent(topic)).join();
    const asked = names && `${this.query ? '&' : '?'}topics=${names}`;
    /** @type {WebSocket} */
    const socket = (this.#socket = new this.WebSocket(`${address}/api/v1/ws${this.query}${asked}`));
    socket.onopen = () => this.#take(signal, (snapshot) => this.#start(snapshot));
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#lost(code, code >= OURS ? reason : '');
    socket.onerror = () => {}; // `close` follows, and has the code.
  }

  #take(/** @type {AbortSignal} */ signal, /** @type {(taken: Snapshot) => void} */ then) {
    this.snapshot(signal).then(
      (snapshot) => signal.aborted || then(snapshot),
      ({ code, message }) => signal.aborted
        || this.#lost(code === 'forbidden' ? FORBIDDEN : LOST, code && message),
    );
  }

  #start(/** @type {Snapshot} */ snapshot) {
    const early = this.#early ?? [];
    this.#early = null;
    this.seq = snapshot.seq;
    clearTimeout(this.#timers.connect);
    this.#after('stable', STABLE_AFTER, () => (this.#failures = 0));
    this.#after('ping', PING_EVERY, () => this.#ping());
    this.#become('live');
    this.#emit('snapshot', snapshot);
    early.forEach((message) => this.#heard(message));
  }

  #ping() {
    this.#after('pong', PONG_WITHIN, () => this.#lost(LOST));
    this.#after('ping', PING_EVERY, () => this.#ping());
    this.#socket?.send('{"type":"ping"}');
  }

  #received(/** @type {any} */ message) {
    clearTimeout(this.#timers.pong); // Whatever arrives shows that the other side is there.
    if (message.type === 'ping') this.#socket?.send('{"type":"pong"}');
    if (message.type === 'event') this.#early ? this.#early.push(message) : this.#heard(message);
    if (message.type !== 'ack' && message.type !== 'error') return;
    const command = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'ack') command?.resolve(message);
    else if (command) command.reject(new CommandError(message));
    else this.#emit('error', message);
  }

  #heard(/** @type {EventMessage} */ message) {
    if (message.seq && message.seq <= this.seq) return;
    this.seq = message.seq ?? this.seq; // What passes by and is not in the log has no `seq`.
    this.#emit('event', message);
  }

  #lost(/** @type {number} */ code, reason = '') {
    if (reason) this.#emit('error', { message: reason });
    this.#drop('the connection was lost before the answer came');
    if (code >= 4500 && code < 5000) return this.#become('stopped');
    const backoff = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    const delay = DRAINING.includes(code) ? Math.max(backoff, DRAIN_DELAY) : backoff;
    this.#after('retry', this.random() * delay, () => this.#open());
    this.#become('recovering');
  }

  #drop(/** @type {string} */ message) {
    Object.values(this.#timers).forEach((timer) => clearTimeout(timer));
    this.#fetching?.abort();
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close();
    this.#waiting.forEach(({ reject }, id) => reject(new CommandError({ code: 'lost', message, id })));
    this.#waiting.clear();
  }

  #become(/** @type {ConnectionState} */ state) {
    if (state !== this.state) this.#emit('state', (this.state = state));
  }

  /** @param {string} name @param {any} value */
  #emit(name, value) {
    this.#listeners.get(name)?.forEach((listener) => listener(value));
  }

  /** @param {string} name @param {number} delay @param {() => void} then */
  #after(name, delay, then) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(then, delay);
  }
}

/** The name of an action and its fields. @param {Action} action @returns {[string, any]} */
export function tagged(action) {
  return typeof action === 'string' ? [action, {}] : Object.entries(action)[0];
}

/** A random UUID, also where `randomUUID` is missing: plain HTTP is no secure context. */
export function uuid() {
  const random = () => crypto.getRandomValues(new Uint8Array(1))[0];
  return crypto.randomUUID?.() ?? '10000000-1000-4000-8000-100000000000'.replace(/[018]/g,
    (digit) => (Number(digit) ^ (random() & (15 >> (Number(digit) / 4)))).toString(16));
}
