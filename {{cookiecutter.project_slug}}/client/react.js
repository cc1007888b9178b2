/**
 * React hooks around a LiveClient: its connection, what it knows, and what it hears.
 *
 * They are safe under StrictMode and concurrent rendering, keep no more than they are told to, and
 * leave nothing behind when a component goes.
 */

import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { tagged } from './client.js';

/** @typedef {import('./client.js').LiveClient<any, any, any>} AnyClient */

const LIMIT = 100;
/** @type {readonly never[]} */ const NOTHING = [];

/** How many components want a client connected. @type {WeakMap<AnyClient, number>} */
const wanted = new WeakMap();

/**
 * The state of the connection, which is there as long as a component uses this hook.
 * @param {AnyClient} client @returns {import('./client.js').ConnectionState}
 */
export function useConnection(client) {
  useEffect(() => {
    wanted.set(client, (wanted.get(client) ?? 0) + 1);
    client.connect();
    return () => {
      const others = (wanted.get(client) ?? 1) - 1;
      wanted.set(client, others);
      if (others === 0) client.close();
    };
  }, [client]);
  const subscribe = useCallback((/** @type {() => void} */ told) => client.on('state', told), [client]);
  return useSyncExternalStore(subscribe, () => client.state, () => 'stopped');
}

/**
 * What `selector` takes from the client's view; undefined until there is one. The component renders
 * again when that is another value: select what `apply` leaves as it is, or a plain value of it.
 * @template {object} View @template Selected
 * @param {import('./client.js').LiveClient<any, any, View>} client
 * @param {(view: View) => Selected} selector
 * @returns {Selected | undefined}
 */
export function useStore(client, selector) {
  const subscribe = useCallback((/** @type {() => void} */ told) => client.on('view', told), [client]);
  // One view gives one value, also when `selector` makes a new one each time.
  const select = useMemo(() => {
    /** @type {View | undefined} */ let seen;
    /** @type {Selected | undefined} */ let selected;
    return () => {
      if (client.view !== seen) {
        seen = client.view;
        selected = seen === undefined ? undefined : selector(seen);
      }
      return selected;
    };
  }, [client, selector]);
  return useSyncExternalStore(subscribe, select, nothing);
}

/**
 * The last events that were heard while the component was there, oldest first: those of a name, of
 * some names, or that a function lets through. A snapshot empties it: events may have been missed.
 * @template [Event=import('./client.js').Action]
 * @param {import('./client.js').LiveClient<any, Event, any>} client
 * @param {string | readonly string[] | ((name: string, fields: any,
 *   message: import('./client.js').EventMessage<Event>) => boolean)} filter
 * @param { {limit?: number} } [options] `limit`: how many are kept
 * @returns {readonly import('./client.js').EventMessage<Event>[]}
 */
export function useEvents(client, filter, { limit = LIMIT } = {}) {
  const latest = useRef({ filter, limit });
  useEffect(() => {
    latest.current = { filter, limit };
  });
  const history = useMemo(() => new History(client, latest), [client]);
  return useSyncExternalStore(history.subscribe, history.get, () => NOTHING);
}

class History {
  /** @type {readonly import('./client.js').EventMessage<any>[]} */ #events = NOTHING;
  /** @type {AnyClient} */ #client;
  /** @type { {current: {filter: any, limit: number}} } */ #latest;

  /** @param {AnyClient} client @param { {current: {filter: any, limit: number}} } latest */
  constructor(client, latest) {
    this.#client = client;
    this.#latest = latest;
  }

  get = () => this.#events;

  subscribe = (/** @type {() => void} */ told) => {
    const keep = (/** @type {readonly any[]} */ events) => {
      this.#events = events;
      told();
    };
    const stops = [
      this.#client.on('snapshot', () => keep(NOTHING)),
      this.#client.on('event', (message) => {
        const { filter, limit } = this.#latest.current;
        if (!lets(filter, message)) return;
        const all = [...this.#events, message];
        keep(all.slice(Math.max(0, all.length - limit)));
      }),
    ];
    return () => stops.forEach((stop) => stop());
  };
}

/** @param {any} filter @param {import('./client.js').EventMessage<any>} message */
function lets(filter, message) {
  const [name, fields] = tagged(message.action);
  if (typeof filter === 'function') return filter(name, fields, message);
  return typeof filter === 'string' ? filter === name : filter.includes(name);
}

function nothing() {
  return undefined;
}
