/**
 * The dashboard: one panel for each feature that the snapshot names, kept up to date by events.
 *
 * A feature's panel is a module, `panels/FEATURE.js`; a feature without one gets
 * `panels/generic.js`. A panel exports
 *
 *     export const title = 'Orders';
 *     export const wide = true;             // optional: the wide column
 *     export const rank = 1;                // optional: a smaller one comes first; else 5
 *     export function mount(root, { state, send, command, read, snapshot, tell, user }) {
 *       …
 *       return {
 *         event(name, fields, message) {},  // something happened, in this feature or in another
 *         reset(state) {},                  // forget all and show this: after every reconnect
 *       };
 *     }
 *
 * where `state` is the feature's part of the snapshot, and `send(action)` gives whether it was
 * done: a refusal is shown here, so a panel need not. A panel that would rather answer refusals
 * itself sends with `command(action)`. `read(path)` gives what is at an address of the service,
 * `snapshot()` the feature's part anew, `tell(message)` says something for a moment, and `user` is
 * who the address names, if anyone.
 *
 * @typedef {import('./client.js').Action} Action
 * @typedef { {event: (name: string, fields: any, message: any) => void, reset: (state: any) => void} } Panel
 * @typedef { {state: any, send: (action: Action) => Promise<boolean>,
 *   command: (action: Action) => Promise<any>, read: (path: string) => Promise<any>,
 *   snapshot: () => Promise<any>, tell: (message: string) => void, user: string | null} } Context
 */

import { LiveClient, tagged } from '/client.js';
import { mount as mountActivity } from '/dashboard/activity.js';
import { el, refreshTimes } from '/dashboard/dom.js';

const TOAST_MILLISECONDS = 10_000;
const TIMES_MILLISECONDS = 10_000;
const [TOASTS, RANK, LAST] = [3, 5, 9];

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);

/** @type {Map<string, Promise<Panel>>} */
const panels = new Map();
const user = new URLSearchParams(location.search).get('user');
const client = new LiveClient({ query: principal(), topics: 'all' });
const activity = mountActivity(place(section('Activity'), { rank: LAST }));

client.on('state', (state) => {
  byId('state').dataset.state = document.body.dataset.state = state;
  byId('state').textContent = state;
});
client.on('snapshot', ({ seq, state }) => {
  byId('seq').textContent = seq;
  for (const [feature, part] of Object.entries(state)) {
    const known = panels.get(feature);
    if (known) known.then((panel) => panel.reset(part)).catch(console.error);
    else panels.set(feature, mountPanel(feature, part));
  }
});
client.on('event', (message) => {
  const [name, fields] = tagged(message.action);
  byId('seq').textContent = client.seq;
  activity.event(name, fields, message);
  panels.forEach((mounted) => {
    mounted.then((panel) => panel.event(name, fields, message)).catch(console.error);
  });
});
client.on('error', (refusal) => toast('refusals', refusal.message));

byId('host').textContent = location.host;
byId('user').textContent = user;
byId('user').hidden = !user;
setInterval(refreshTimes, TIMES_MILLISECONDS);
client.connect();

/**
 * @param {string} feature
 * @param {any} state
 * @returns {Promise<Panel>}
 */
async function mountPanel(feature, state) {
  const panel = await import(`/dashboard/panels/${encodeURIComponent(feature)}.js`)
    .catch(() => import('/dashboard/panels/generic.js'));
  const root = place(section(feature, panel.title), panel);
  return panel.mount(root, {
    state,
    send,
    command: (/** @type {Action} */ action) => client.send(action),
    read: (/** @type {string} */ path) => client.read(path),
    snapshot: async () => (await client.snapshot()).state[feature],
    tell: (/** @type {string} */ message) => toast('news', message),
    user,
  });
}

/** @param {string} name @param {string} [title] @returns {any} */
function section(name, title = name) {
  const heading = el('h2', { id: `panel-${name}` }, title);
  const root = el('section', { class: 'panel', 'aria-labelledby': heading.id }, heading);
  root.dataset.feature = name;
  return root;
}

/**
 * Put a panel into its column, among the others by rank and then by name.
 * @param {any} root
 * @param { {wide?: boolean, rank?: number} } panel
 */
function place(root, { wide = false, rank = RANK }) {
  const column = byId(wide ? 'wide' : 'narrow');
  const place = (root.dataset.place = `${rank} ${root.dataset.feature}`);
  const next = [...column.children].find((other) => other.dataset.place > place);
  column.insertBefore(root, next ?? null);
  return root;
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

/** @param {'news' | 'refusals'} kind @param {string} message */
function toast(kind, message) {
  const close = el('button', { type: 'button', 'aria-label': 'Dismiss' }, '×');
  const shown = el('div', { class: 'toast' }, el('p', {}, message), close);
  close.addEventListener('click', () => shown.remove());
  setTimeout(() => shown.remove(), TOAST_MILLISECONDS);
  const all = byId(kind);
  all.append(shown);
  if (all.children.length > TOASTS) all.firstElementChild.remove();
}

/** In development `/?user=alice` shows what alice sees. */
function principal() {
  const given = new URLSearchParams(location.search);
  const kept = ['user', 'role'].flatMap((name) => {
    const value = given.get(name);
    return value ? [`${name}=${encodeURIComponent(value)}`] : [];
  });
  return kept.length ? `?${kept.join('&')}` : '';
}
