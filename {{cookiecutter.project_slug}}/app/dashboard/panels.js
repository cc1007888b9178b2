/**
 * The panels: one for each feature that the snapshot names, kept up to date by events.
 *
 * A feature's panel is a module, `panels/FEATURE.js`; a feature without one, or with one that cannot
 * be loaded, gets `panels/generic.js`. What is wrong with a panel stands in the browser's console,
 * and stops no other. A panel exports
 *
 *     export const title = 'Orders';
 *     export const wide = true;             // optional: a row of its own, above the others
 *     export const rank = 1;                // optional: a smaller one comes first; else 5
 *     export const styles = '/dashboard/FEATURE/FEATURE.css';  // optional: loaded before it is shown
 *     export const first = { label: 'Place an order', action: (viewer) => ({…}) };  // optional:
 *                                           // what somebody who is new here is offered to do
 *     export function mount(root, { state, send, command, read, snapshot, tell, badge, also, viewer }) {
 *       …                                 // `root` is on the page already
 *       return {
 *         event(name, fields, message) {},  // something happened, in this feature or in another
 *         reset(state) {},                  // forget all and show this
 *         live() {},                        // optional: the connection is there, perhaps again
 *       };
 *     }
 *
 * where `state` is the feature's part of the snapshot, and `send(action)` gives whether it was
 * done: a refusal is shown here, so a panel need not. A panel that would rather answer refusals
 * itself sends with `command(action)`. While there is no connection both wait for it. `read(path)`
 * gives what is at an address of the service, `snapshot()` the feature's part anew,
 * `tell(message, priority)` says something for a moment, `badge(number)` shows how much of the panel
 * is new, `also(topics)` listens to parts of topics and to ephemeral ones, for as long as it is not
 * called again, and `viewer` is who looks at the page. Events come faster than a screen shows: a
 * panel notes them, and draws by `perFrame` of `frame.js`.
 *
 * @typedef {import('./client.js').Action} Action
 * @typedef {import('./viewer.js').Viewer} Viewer
 * @typedef { {event: (name: string, fields: any, message: any) => void, reset: (state: any) => void,
 *   live?: () => void} } Panel
 * @typedef { {state: any, send: (action: Action) => Promise<boolean>,
 *   command: (action: Action) => Promise<any>, read: (path: string) => Promise<any>,
 *   snapshot: () => Promise<any>, tell: (message: string, priority?: string) => void,
 *   badge: (number: number) => void, also: (topics: string[]) => void, viewer: Viewer} } Context
 */

import { tagged } from '/client.js';
import { el, stylesheet } from '/dashboard/dom.js';
import { toast } from '/dashboard/toasts.js';

const RANK = 5;
const TITLE = document.title;

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);

/** @param {import('./client.js').LiveClient} client @param {Viewer} viewer */
export function followWithPanels(client, viewer) {
  /** @type {Map<string, Panel>} */
  const panels = new Map();
  /** @type {(() => void)[]} what arrives while panels are being loaded */
  const waiting = [];
  let isLoading = false;
  /** @type {Map<string, string[]>} what each feature listens to besides its own topic */
  const others = new Map();
  const offered = { rank: Infinity, run: () => {} };

  byId('first').addEventListener('click', () => offered.run());
  client.on('snapshot', ({ state }) => inTurn(() => start(state)));
  client.on('event', (message) => inTurn(() => hear(message)));
  client.on('state', (now) => {
    if (now === 'live') inTurn(() => each((panel) => panel.live?.()));
  });
  log();

  /** @param {() => void} act */
  function inTurn(act) {
    if (isLoading) waiting.push(act);
    else act();
  }

  /** One panel that fails does not stop the others. @param {(panel: Panel) => void} act */
  function each(act) {
    panels.forEach((panel) => reported(() => act(panel)));
  }

  /** @param {Record<string, any>} state */
  async function start(state) {
    isLoading = true;
    await Promise.all(Object.entries(state).map(([feature, part]) => reported(async () => {
      const known = panels.get(feature);
      if (known) known.reset(part);
      else await load(feature, part);
    })));
    isLoading = false;
    while (waiting.length && !isLoading) waiting.shift()?.();
  }

  /** @param {import('./client.js').EventMessage} message */
  function hear(message) {
    const [name, fields] = tagged(message.action);
    each((panel) => panel.event(name, fields, message));
  }

  /** @param {string} feature @param {any} state */
  async function load(feature, state) {
    const panel = await moduleOf(feature);
    if (panel.styles) await stylesheet(panel.styles);
    const { root, badge } = section(feature, panel.title);
    place(root, panel);
    mount(feature, panel, root, contextOf(feature, state, badge));
    if (panel.first) offer(panel.first, panel.rank ?? RANK);
  }

  /**
   * On the page already, so that a panel can scroll, and measure what it shows.
   * @param {string} feature @param {any} panel @param {any} root @param {Context} context
   */
  function mount(feature, panel, root, context) {
    try {
      panels.set(feature, panel.mount(root, context));
    } catch (error) {
      root.remove();
      throw error;
    }
  }

  /** @param {string} feature @param {any} state @param {(number: number) => void} badge @returns {Context} */
  function contextOf(feature, state, badge) {
    return {
      state,
      send,
      command: (action) => client.send(action),
      read: (path) => client.read(path),
      snapshot: async () => (await client.snapshot()).state[feature],
      tell: (message, priority) => toast('news', message, priority),
      badge,
      also: (topics) => client.also([...others.set(feature, topics).values()].flat()),
      viewer,
    };
  }

  /** @param {Action} action */
  async function send(action) {
    try {
      await client.send(action);
      return true;
    } catch (error) {
      toast('refusals', /** @type {Error} */ (error).message);
      return false;
    }
  }

  /** @param { {label: string, action: (viewer: Viewer) => Action} } first @param {number} rank */
  function offer(first, rank) {
    if (rank >= offered.rank) return;
    Object.assign(offered, { rank, run: () => send(first.action(viewer)) });
    byId('first').textContent = first.label;
    byId('first').disabled = false;
  }

  /** What has happened, whatever its feature: a panel of no feature, below all others. */
  async function log() {
    const panel = await import('/dashboard/panels/timeline.js');
    await stylesheet(panel.styles);
    const { root, badge } = section('timeline', panel.title);
    inTurn(() => reported(() => {
      byId('log').append(root);
      mount('', panel, root, contextOf('', null, badge));
    }));
  }
}

/** @param {string} feature */
async function moduleOf(feature) {
  const file = `/dashboard/panels/${encodeURIComponent(feature)}.js`;
  try {
    return await import(file);
  } catch (error) {
    // An import does not say whether nothing is there, or something that is no good.
    const { ok } = await fetch(file, { method: 'HEAD' });
    if (ok) reportError(new Error(`${file} cannot be used: ${error}`, { cause: error }));
    return import('/dashboard/panels/generic.js');
  }
}

/** Do what may fail; a mistake there is seen as any other. @param {() => void | Promise<void>} act */
async function reported(act) {
  try {
    await act();
  } catch (error) {
    reportError(error);
  }
}

/** @param {string} name @param {string} [title] */
function section(name, title = name) {
  const number = el('span', { class: 'badge', hidden: true });
  const heading = el('h2', { id: `panel-${name}` }, title, number);
  const root = el('section', { class: 'panel', 'aria-labelledby': heading.id }, heading);
  root.dataset.feature = name;

  /** @param {number} now */
  function badge(now) {
    number.hidden = now === 0;
    number.textContent = `${now} unread`;
    document.title = now ? `(${now}) ${TITLE}` : TITLE;
  }

  return { root, badge };
}

/**
 * Put a panel among the others by rank and then by name.
 * @param {any} root
 * @param { {wide?: boolean, rank?: number} } panel
 */
function place(root, { wide = false, rank = RANK }) {
  const area = byId(wide ? 'wide' : 'tiles');
  const spot = (root.dataset.place = `${rank} ${root.dataset.feature}`);
  const next = [...area.children].find((other) => other.dataset.place > spot);
  area.insertBefore(root, next ?? null);
}
