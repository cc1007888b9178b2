/**
 * A client of the live connection: it connects, comes back, catches up, and sends commands.
 *
 * @typedef {'connecting' | 'live' | 'recovering' | 'stopped'} ConnectionState
 * @typedef {string | Record<string, object>} Action  `{"Name": {…fields}}`, or `"Name"` without fields
 * @typedef { {type: 'ack', id: string, seq: number, duplicate?: boolean} } Ack
 * @typedef { {message: string, code?: string, id?: string | null, retry_after?: number,
 *   fields?: {loc: string, message: string}[]} } Refusal
 * @typedef { {code: number, reason: string} } Close  1006: nobody said why
 */
/**
 * @template [Event=Action]
 * @typedef { {type: 'event', action: Event, seq?: number | null, cause?: string | null} } EventMessage
 */
/**
 * @template {object} [View=Record<string, any>]
 * @typedef { {seq: number, epoch: string, state: View} } Snapshot
 */
/**
 * What listeners are told, by name. `snapshot`: forget all and start from it. `event`: it happened,
 * maybe while nobody was connected. `error`: a refusal of something other than a command. `close`:
 * a connection is over.
 * @template [Event=Action]
 * @template {object} [View=Record<string, any>]
 * @typedef { {state: ConnectionState, snapshot: Snapshot<View>, event: EventMessage<Event>,
 *   view: View, error: Refusal, close: Close} } Told
 */
/**
 * `base` is where the service is; `query`, such as `?user=alice`, is added to every address.
 * `topics` are the names to listen to, or `'all'`: those that the snapshot shows; with `[]` nothing
 * is heard. Without them every event is heard that is kept in the log; those that only pass reach
 * who names them.
 * `getToken` gives the token of whoever is logged in; it is asked before every connection and
 * request, and before the token that it gave expires, so let it remember: but not the one that it
 * gave last when it is told that this was `refused`. `apply` gives the view as it is after an event,
 * as a new value; without it the view is that of the last snapshot.
 * `outbox` is how many commands may wait for an answer.
 * @template [Event=Action]
 * @template {object} [View=Record<string, any>]
 * @typedef { {base?: string, query?: string, topics?: string[] | 'all',
 *   getToken?: (last: {refused: boolean}) =>
 *     string | null | undefined | Promise<string | null | undefined>,
 *   apply?: (view: View, name: string, fields: any, message: EventMessage<Event>) => View,
 *   outbox?: number, WebSocket?: any, fetch?: any, random?: () => number} } Options
 */

// Milliseconds.
const [FIRST_DELAY, LONGEST_DELAY, DRAIN_DELAY] = [1_000, 30_000, 5_000];
const [CONNECT_WITHIN, STABLE_AFTER, PING_EVERY, PONG_WITHIN] = [15_000, 10_000, 25_000, 10_000];
const [RENEW_BEFORE, SHORTEST_TIMER, LONGEST_TIMER] = [30_000, 1_000, 2 ** 31 - 1];
const OPEN = 1; // The `readyState` of a socket; what is more is closing, or closed.
// Close codes. A draining server sends all its clients away at once: they spread their return.
const [LOST, TOO_BIG, EXPIRED, FORBIDDEN, DRAINING] = [1006, 1009, 4401, 4503, [1001, 1012]];
// A burst that the service takes at once by default is longer than this.
const IN_FLIGHT = 32;
// What is refused for the moment only is sent again when the service says so, but not for ever.
const [FOR_THE_MOMENT, TRIES, LONGEST_PAUSE] = [['rate_limited', 'unavailable'], 10, 600_000];
const [SNAPSHOT, SNAPSHOTS_A_CONNECTION] = ['/api/v1/snapshot', 3];
const LONGEST_ID = 64;
// As JSON has it, where what lies before is no backslash that takes this one's meaning away.
const HALF_A_CHARACTER = /[^\\](?:\\\\)*\\ud[89a-f]/;
const TAKEN_BACK = 'taken back before it was sent';

/**
 * A command that is not done, or something that cannot be read. `code` is the service's, which the
 * client uses, too, of what it does not send (`invalid`, `id_reused`) and of a service that is not to
 * be had (`unavailable`); or `outbox_full` (not sent: too many wait), or `aborted` (taken back before
 * it was sent), or `stopped` (the client was stopped before there was an answer). After `stopped` and
 * `unavailable` it may have been done: sent again with the same id, it is not done twice.
 */
export class CommandError extends Error {
  constructor(/** @type {Refusal} */ { message, code = 'internal', id, retry_after, fields }) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
    this.id = id ?? undefined;
    this.retryAfter = retry_after;
    this.fields = fields;
  }
}

/**
 * One connection to the service, for as long as the page lives.
 * @template [Command=Action]
 * @template [Event=Action]
 * @template {object} [View=Record<string, any>]
 */
export class LiveClient {
  /** @type {ConnectionState} */
  state = 'stopped';
  /** The log position of the newest event heard, or of the snapshot. */
  seq = 0;
  /** The log that `seq` is a position of; empty before the first snapshot. */
  epoch = '';
  /** @type {View | undefined} What the snapshot showed, and then what `apply` made of it. */
  view = undefined;

  /** @type {WebSocket | null} */ #socket = null;
  #attempt = new AbortController(); // Aborted when the connection is, and all it waits for.
  #failures = 0;
  #snapshots = 0; // Since the connection was opened.
  #isHearing = false;
  #isRefused = false; // The last token was; or else, the one given after that has yet to be accepted:
  #hasRenewed = false;
  /** @type {string[]} */ #names = [];
  /** @type {string[]} */ #also = [];
  /** @type {Snapshot<View> | null} */ #fresh = null; // Not told yet: events have to follow it.
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */ #timers = {};
  /**
   * In the order in which they were given; a promise settles when its command leaves.
   * `isSent`: on this connection, and there is no answer yet.
   * @type {Map<string, {text: string, isSent: boolean, mayBeDone: boolean, tries: number,
   *   answer: Promise<Ack>, resolve: (ack: Ack) => void, reject: (error: Error) => void}>}
   */
  #outbox = new Map();
  /** @type {Map<string, Set<(value: any) => void>>} */ #listeners = new Map();

  /** @param {Options<Event, View>} [options] */
  constructor(options = {}) {
    this.base = options.base ?? globalThis.location.origin;
    this.query = options.query ?? '';
    this.topics = options.topics;
    this.getToken = options.getToken;
    this.apply = options.apply ?? ((/** @type {View} */ view) => view);
    this.outbox = options.outbox ?? 256;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.fetch = options.fetch ?? globalThis.fetch;
    this.random = options.random ?? Math.random;
  }

  /**
   * Listen; calling what it gives ends that. `view` is told after each `snapshot` and `event`.
   * @template {keyof Told} Name
   * @param {Name} name @param {(value: Told<Event, View>[Name]) => void} listener
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Connect, and stay connected until `close()`, or until the server says not to come back. */
  connect() {
    if (this.state !== 'stopped') return;
    globalThis.addEventListener?.('online', this.#hurry);
    globalThis.document?.addEventListener('visibilitychange', this.#hurry);
    this.#open();
    this.#become('connecting');
  }

  /** Let go of the socket, the timers, the page; what waits for an answer is rejected. */
  close() {
    this.#drop();
    this.#stop('the client was closed');
  }

  /**
   * Listen to these names besides `topics`, instead of those given before. Without the option
   * `topics` it throws: the service would tell what is named, and nothing else any more.
   * @param {string[]} topics
   */
  also(topics) {
    if (topics.length && !this.topics) throw new TypeError("also() needs the option topics, such as 'all'");
    this.#also = topics;
    const isOpen = this.#socket && (this.#socket.readyState ?? OPEN) === OPEN;
    if (isOpen && (this.#fresh ?? this).epoch) this.#name();
  }

  /** Break the connection off, as a network does that is lost. */
  interrupt() {
    if (this.#socket) this.#lost(LOST, 'interrupted');
  }

  /**
   * Ask the service to do something, once. Without a connection the command waits for the next one;
   * if the connection breaks it is sent again with its `id`, by which the service knows it. Until
   * it is sent, `signal` takes it back: `AbortSignal.timeout(5_000)` lets it wait no longer.
   * Rejects with a CommandError.
   * @param {Command} action @param {string} [id] @param {AbortSignal} [signal]
   * @returns {Promise<Ack>}
   */
  async send(action, id = uuid(), signal) {
    const refuse = (/** @type {string} */ code, /** @type {string} */ message) => {
      throw new CommandError({ code, message, id });
    };
    const text = JSON.stringify({ type: 'command', action, id });
    // The service could not say which command it refuses, and this one would wait for ever.
    const isId = typeof id === 'string' && id && [...id].length <= LONGEST_ID;
    if (!isId) refuse('invalid', `an id has 1 to ${LONGEST_ID} characters`);
    if (HALF_A_CHARACTER.test(text)) refuse('invalid', 'there is half a character in the command');
    const known = this.#outbox.get(id);
    if (known?.text === text) return known.answer;
    if (known) refuse('id_reused', 'another command with this id waits for its answer');
    if (this.state === 'stopped') refuse('stopped', 'not connected: connect first');
    if (signal?.aborted) refuse('aborted', TAKEN_BACK);
    if (this.#outbox.size >= this.outbox) refuse('outbox_full', 'too many commands wait');
    /** @type {any} */ const command = { text, isSent: false, mayBeDone: false, tries: 0 };
    command.answer = new Promise((resolve, reject) => Object.assign(command, { resolve, reject }));
    this.#outbox.set(id, command);
    this.#flush();
    const takeBack = () => this.#takeBack(id);
    signal?.addEventListener('abort', takeBack);
    return command.answer.finally(() => signal?.removeEventListener('abort', takeBack));
  }

  /** What the service knows now. @param {AbortSignal} [signal] @returns {Promise<Snapshot<View>>} */
  snapshot(signal) {
    return this.read(SNAPSHOT, signal);
  }

  /**
   * What is at an address of the service; rejects with a CommandError.
   * @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>}
   */
  async read(path, signal) {
    try {
      return await this.#read(path, signal);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const code = signal?.aborted ? 'aborted' : 'unavailable';
      throw new CommandError({ code, message: /** @type {Error} */ (error).message });
    }
  }

  /** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
  async #read(path, signal) {
    const token = await this.#token();
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const { fetch } = this; // Called as a method, the browser's own refuses to work.
    const address = this.base + path + (path.includes('?') ? this.query.replace('?', '&') : this.query);
    const response = await fetch(address, { headers, signal });
    const said = await response.json().catch(() => signal?.throwIfAborted());
    if (response.ok && said !== undefined) return said;
    // What has other words, or none, is not the service, but a proxy or a login page before it.
    const message = `${response.status} ${response.statusText}`;
    throw new CommandError(said?.message ? said : { code: 'unavailable', message });
  }

  // Connecting: a socket, what to start from, and whatever happened after that.

  async #open() {
    const { signal } = (this.#attempt = new AbortController());
    this.#snapshots = 0;
    this.#after('connect', CONNECT_WITHIN, () => this.#lost(LOST, 'it took too long to connect'));
    try {
      const refused = this.#isRefused;
      const token = await this.#token(refused);
      if (signal.aborted) return;
      if (refused) [this.#isRefused, this.#hasRenewed] = [false, true];
      this.#listen(token, signal);
    } catch (error) {
      if (!signal.aborted) this.#lost(LOST, /** @type {Error} */ (error).message);
    }
  }

  /** @param {string | null | undefined} token @param {AbortSignal} signal */
  #listen(token, signal) {
    const address = `${this.base.replace(/^http/, 'ws')}/api/v1/ws${this.query}`;
    /** @type {WebSocket} */
    const socket = new this.WebSocket(address, token ? ['app.v1', `bearer.${token}`] : []);
    this.#socket = socket;
    socket.onopen = () => {
      this.#renewLater(token);
      this.#subscribe(signal);
    };
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    socket.onerror = () => {}; // `close` follows, and has the code.
  }

  // Events are heard from the position of a snapshot on, so that none falls between the two.
  async #subscribe(/** @type {AbortSignal} */ signal) {
    if (!this.epoch) {
      if (this.#snapshots++ === SNAPSHOTS_A_CONNECTION) {
        return this.#lost(LOST, 'there is no way from the snapshot to the events');
      }
      try {
        const snapshot = await this.#read(SNAPSHOT, signal);
        if (signal.aborted) return;
        this.#fresh = snapshot;
        this.#names = Object.keys(snapshot.state);
      } catch (error) {
        // A socket that is being closed as well is about to say why: its code is the better word.
        const isClosing = (this.#socket?.readyState ?? OPEN) > OPEN;
        if (!signal.aborted && !isClosing) this.#refused(/** @type {CommandError} */ (error));
        return;
      }
    }
    this.#name();
  }

  #name() {
    const { seq, epoch } = this.#fresh ?? this;
    const given = this.topics === 'all' ? this.#names : this.topics;
    // JSON leaves out what is undefined: then all is heard that is kept.
    const topics = given ? [...given, ...this.#also] : undefined;
    this.#say({ type: 'subscribe', topics, since: seq, epoch });
  }

  #subscribed(/** @type {any} */ { recovered, denied }) {
    if (!recovered) return this.#startAnew();
    const snapshot = this.#fresh;
    this.#fresh = null;
    this.#isHearing = true;
    this.#hasRenewed = false;
    this.#clear('connect');
    this.#after('stable', STABLE_AFTER, () => (this.#failures = 0));
    this.#after('ping', PING_EVERY, () => this.#ping());
    if (snapshot) [this.seq, this.epoch, this.view] = [snapshot.seq, snapshot.epoch, snapshot.state];
    this.#become('live');
    if (snapshot) this.#emit('snapshot', snapshot);
    if (snapshot) this.#emit('view', snapshot.state);
    if (denied) this.#emit('error', { code: 'forbidden', message: `not to be heard: ${denied}` });
    this.#flush();
  }

  /** What happened since the position cannot be told: forget it. */
  #startAnew() {
    this.epoch = '';
    this.#fresh = null;
    this.#subscribe(this.#attempt.signal);
  }

  /** There is no snapshot, or no subscription. @param {Refusal} refusal */
  #refused(refusal) {
    const { code, message } = refusal;
    const codes = { unauthenticated: EXPIRED, forbidden: FORBIDDEN };
    this.#lost(codes[/** @type {keyof typeof codes} */ (code)] ?? LOST, message);
    if (code) this.#emit('error', { code, message });
  }

  // Hearing

  #received(/** @type {string} */ data) {
    this.#clear('pong'); // Whatever arrives shows that the other side is there.
    /** @type {any} */ let message;
    try {
      message = JSON.parse(data);
    } catch {
      return this.#emit('error', { code: 'invalid', message: `this is no JSON: ${data}` });
    }
    const { type, id } = message;
    if (type === 'event') this.#heard(message);
    else if (type === 'subscribed') this.#subscribed(message);
    else if (type === 'ping') this.#say({ type: 'pong' });
    else if (type === 'ack' || (type === 'error' && this.#outbox.has(id))) this.#answered(message);
    else if (type === 'error' && this.#isHearing) this.#emit('error', message);
    // A topic is gone, maybe: what there is now is in the snapshot.
    else if (type === 'error' && message.code === 'invalid' && this.epoch) this.#startAnew();
    else if (type === 'error') this.#refused(message);
  }

  #heard(/** @type {EventMessage<Event>} */ message) {
    if (!this.#isHearing || (message.seq && message.seq <= this.seq)) return;
    this.seq = message.seq ?? this.seq; // An ephemeral event is not in the log, and has no `seq`.
    const [name, fields] = tagged(/** @type {any} */ (message.action));
    reported(() => (this.view = this.apply(/** @type {View} */ (this.view), name, fields, message)));
    this.#emit('event', message);
    this.#emit('view', this.view);
  }

  #ping() {
    if (!this.#timers.pong) {
      this.#after('pong', PONG_WITHIN, () => this.#lost(LOST, 'no answer to a ping'));
    }
    this.#after('ping', PING_EVERY, () => this.#ping());
    this.#say({ type: 'ping' });
  }

  // Commands

  /** Send what has not been sent, in order, as much of it as the service takes at once. */
  #flush() {
    if (this.state !== 'live' || this.#timers.pause) return;
    const commands = [...this.#outbox.values()];
    const unsent = commands.filter(({ isSent }) => !isSent);
    const room = IN_FLIGHT - (commands.length - unsent.length);
    for (const command of unsent.slice(0, Math.max(0, room))) {
      command.isSent = true;
      this.#socket?.send(command.text);
    }
  }

  /** Unless it may have reached the service: then it gets its answer. */
  #takeBack(/** @type {string} */ id) {
    const command = this.#outbox.get(id);
    if (!command || command.isSent || command.mayBeDone) return;
    this.#outbox.delete(id);
    command.reject(new CommandError({ code: 'aborted', message: TAKEN_BACK, id }));
  }

  #answered(/** @type {any} */ message) {
    const command = this.#outbox.get(message.id);
    if (!command) return;
    // What comes too fast is refused before its id is looked up: whether it is done is not told.
    command.mayBeDone ||= message.code === 'unavailable';
    const isUntold = command.mayBeDone && message.code === 'rate_limited';
    if (FOR_THE_MOMENT.includes(message.code) && (++command.tries < TRIES || isUntold)) {
      command.isSent = false;
      const pause = Math.min((message.retry_after ?? 1) * 1_000, LONGEST_PAUSE);
      this.#after('pause', pause, () => this.#flush());
      return;
    }
    this.#outbox.delete(message.id);
    if (message.type === 'ack') command.resolve(message);
    else command.reject(new CommandError(message));
    this.#flush();
  }

  /** Sent again, what is too big for the service would end every connection. */
  #giveUpTheBiggest() {
    const sent = [...this.#outbox].filter(([, { isSent }]) => isSent);
    const bytes = (/** @type { {text: string} } */ { text }) => new Blob([text]).size;
    const [biggest] = sent.sort(([, one], [, other]) => bytes(other) - bytes(one));
    if (!biggest) return;
    const [id, { reject }] = biggest;
    this.#outbox.delete(id);
    reject(new CommandError({ code: 'too_large', message: 'the command has too many bytes', id }));
  }

  // Tokens

  /** What `getToken` throws at once comes as late as all that it gives. */
  async #token(refused = false) {
    return this.getToken?.({ refused });
  }

  #renewLater(/** @type {string | null | undefined} */ token) {
    const left = expiry(token) - Date.now();
    if (!(left > 0)) return; // Not told, or this clock is wrong: the service will say so.
    const delay = left - Math.min(RENEW_BEFORE, left / 2);
    const bounded = Math.min(Math.max(delay, SHORTEST_TIMER), LONGEST_TIMER);
    this.#after('renew', bounded, () => this.#renew(token, this.#attempt.signal));
  }

  /** @param {string | null | undefined} old @param {AbortSignal} signal */
  async #renew(old, signal) {
    try {
      const token = await this.#token();
      if (signal.aborted || !token || token === old) return;
      this.#say({ type: 'auth', token });
      this.#renewLater(token);
    } catch (error) {
      if (signal.aborted) return;
      this.#emit('error', { code: 'unauthenticated', message: /** @type {Error} */ (error).message });
    }
  }

  // The end of a connection, and the way back

  #lost(/** @type {number} */ code, reason = '') {
    const isOver = (code >= 4500 && code < 5000)
      || (code === EXPIRED && (!this.getToken || this.#hasRenewed));
    if (code === EXPIRED) this.#isRefused = true;
    if (code === TOO_BIG) this.#giveUpTheBiggest();
    this.#drop();
    if (isOver) this.#stop(reason || 'the service does not want this client back');
    else {
      const backoff = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
      const delay = DRAINING.includes(code) ? Math.max(backoff, DRAIN_DELAY) : backoff;
      this.#after('retry', this.random() * delay, () => this.#open());
      this.#become('recovering');
    }
    this.#emit('close', { code, reason });
  }

  /** The network is back, or somebody looks: do not wait. */
  #hurry = (/** @type { {type: string} } */ { type }) => {
    if (type !== 'online' && document.visibilityState === 'hidden') return;
    if (this.#timers.retry) {
      this.#clear('retry');
      this.#open();
    } else if (this.state === 'live') this.#ping();
  };

  #drop() {
    Object.keys(this.#timers).forEach((name) => this.#clear(name));
    this.#attempt.abort();
    this.#fresh = null;
    this.#isHearing = false;
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close();
    this.#outbox.forEach((command) => {
      command.mayBeDone ||= command.isSent;
      command.isSent = false;
    });
  }

  #stop(/** @type {string} */ message) {
    globalThis.removeEventListener?.('online', this.#hurry);
    globalThis.document?.removeEventListener('visibilitychange', this.#hurry);
    this.epoch = ''; // Who connects next may be somebody else, who sees other things.
    this.#failures = 0;
    this.#isRefused = this.#hasRenewed = false;
    const left = [...this.#outbox];
    this.#outbox.clear();
    for (const [id, { reject }] of left) reject(new CommandError({ code: 'stopped', message, id }));
    this.#become('stopped');
  }

  #become(/** @type {ConnectionState} */ state) {
    if (state === this.state) return;
    this.state = state;
    this.#emit('state', state);
  }

  /** @param {keyof Told} name @param {any} value */
  #emit(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) reported(() => listener(value));
  }

  #say(/** @type {object} */ message) {
    this.#socket?.send(JSON.stringify(message));
  }

  /** @param {string} name @param {number} delay @param {() => void} then */
  #after(name, delay, then) {
    this.#clear(name);
    this.#timers[name] = setTimeout(() => {
      delete this.#timers[name];
      then();
    }, delay);
  }

  #clear(/** @type {string} */ name) {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }
}

/** The name of an action and its fields. @param {Action} action @returns {[string, any]} */
export function tagged(action) {
  return typeof action === 'string' ? [action, {}] : Object.entries(action)[0];
}

/** A random UUID, also where `randomUUID` is missing (plain HTTP). @returns {string} */
export function uuid() {
  const random = () => crypto.getRandomValues(new Uint8Array(1))[0];
  return crypto.randomUUID?.() ?? '10000000-1000-4000-8000-100000000000'.replace(/[018]/g,
    (digit) => (Number(digit) ^ (random() & (15 >> (Number(digit) / 4)))).toString(16));
}

/** Do what is not ours; a mistake there is seen as any other, and stops nothing here. */
function reported(/** @type {() => void} */ act) {
  try {
    act();
  } catch (error) {
    queueMicrotask(() => { throw error; });
  }
}

/** When a JSON Web Token ends (RFC 7519, 4.1.4), in milliseconds since 1970; NaN: it does not say. */
function expiry(/** @type {string | null | undefined} */ token) {
  try {
    const [, claims] = (token ?? '').split('.');
    return JSON.parse(atob(claims.replace(/-/g, '+').replace(/_/g, '/'))).exp * 1_000;
  } catch {
    return NaN;
  }
}
