/**
 * A feature without a panel of its own: its state as JSON, and a field for its commands.
 *
 * Copy this file to `panels/FEATURE.js` to begin one.
 */

import { el, field, form } from '/dashboard/dom.js';

const REFRESH_MILLISECONDS = 500;

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send, snapshot }) {
  const shown = el('pre', { class: 'json', tabindex: 0 });
  const command = field('Command', { name: 'action', placeholder: '{"DoThis": {"field": 1}}' });
  const button = el('button', { type: 'submit' }, 'Send');
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let refresh;
  root.append(shown, form({ class: 'inline' }, ({ action }) => send(parsed(action)), command, button));
  show(state);

  /** @param {any} now */
  function show(now) {
    shown.textContent = JSON.stringify(now, null, 2);
  }

  function refreshSoon() {
    refresh ??= setTimeout(() => {
      refresh = undefined;
      snapshot().then(show, () => {}); // It is asked again when the connection is there again.
    }, REFRESH_MILLISECONDS);
  }

  return { event: refreshSoon, reset: show, live: refreshSoon };
}

/** JSON, or a bare name: a command without fields. @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}
