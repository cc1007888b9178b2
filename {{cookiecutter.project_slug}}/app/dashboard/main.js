/**
 * The dashboard: one panel for each feature that the snapshot names, kept up to date by events.
 *
 * A feature's panel is a module, `panels/FEATURE.js`; a feature without one gets
 * `panels/generic.js`. A panel exports
 *
 *     export const title = 'Orders';
 *     export const wide = true;             // optional: the wide column
 *     export function mount(root, { state, send, snapshot }) {
 *       …
 *       return {
 *         event(name, fields, message) {},  // something happened, in this feature or in another
 *         reset(state) {},                  // forget all and show this: after every reconnect
 *       };
 *     }
 *
 * where `state` is the feature's part of the snapshot, and `send(action)` gives whether it was
 * done: a refusal is shown here, so a panel need not.
 *
 * @typedef {import('./client.js').Action} Action
 * @typedef { {event: (name: string, fields: any, message: any) => void, reset: (state: any) => void} } Panel
 * @typedef { {state: any, send: (action: Action) => Promise<boolean>, snapshot: () => Promise<any>} } Context
 */

import { LiveClient, tagged } from '/client.js';
import { mount as mountActivity } from '/dashboard/activity.js';
import { el, refreshTimes } from '/dashboard/dom.js';

const TOAST_MILLISECONDS = 10_000;
const TIMES_MILLISECONDS = 10_000;

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);

/** @type {Map<string, Promise<Panel>>} */
const panels = new Map();
const client = new LiveClient({ query: principal() });
const activity = mountActivity(section('Activity'));

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
client.on('error', (refusal) => toast(refusal.message));

byId('host').textContent = location.host;
setInterval(refreshTimes, TIMES_MILLISECONDS);
client.connect();

/**
 * @param {string} feature
 * @param {any} state
 * @returns {Promise<Panel>}
 */
async function mountPanel(feature, state) {
  const root = section(feature);
  const panel = await import(`/dashboard/panels/${encodeURIComponent(feature)}.js`)
    .catch(() => import('/dashboard/panels/generic.js'));
  root.querySelector('h2').textContent = panel.title ?? feature;
  if (panel.wide) byId('wide').append(root);
  return panel.mount(root, {
    state,
    send,
    snapshot: async () => (await client.snapshot()).state[feature],
  });
}

/** A place for a panel; the activity stays last. @param {string} name @returns {any} */
function section(name) {
  const heading = el('h2', { id: `panel-${name}` }, name);
  const root = el('section', { class: 'panel', 'aria-labelledby': heading.id }, heading);
  root.dataset.feature = name;
  byId('narrow').insertBefore(root, byId('narrow').querySelector('[data-feature="Activity"]'));
  return root;
}

/** @param {Action} action */
async function send(action) {
  try {
    await client.send(action);
    return true;
  } catch (error) {
    toast(/** @type {Error} */ (error).message);
    return false;
  }
}

/** @param {string} message */
function toast(message) {
  const close = el('button', { type: 'button', 'aria-label': 'Dismiss' }, '×');
  const shown = el('div', { class: 'toast' }, el('p', {}, message), close);
  close.addEventListener('click', () => shown.remove());
  setTimeout(() => shown.remove(), TOAST_MILLISECONDS);
  byId('toasts').append(shown);
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
