/**
 * The counter: one number, and the two commands that change it.
 */

import { el } from '/dashboard/dom.js';

export const title = 'Counter';

/**
 * @param {HTMLElement} root
 * @param {import('../main.js').Context} context
 * @returns {import('../main.js').Panel}
 */
export function mount(root, { state, send }) {
  const value = el('output', { class: 'number', 'aria-live': 'polite' });
  const increment = el('button', { type: 'button', class: 'primary' }, 'Increment');
  const reset = el('button', { type: 'button' }, 'Reset');
  increment.addEventListener('click', () => send({ Increment: { by: 1 } }));
  reset.addEventListener('click', () => send('Reset'));
  root.append(value, el('div', { class: 'actions' }, increment, reset));
  show(state.value);

  /** @param {number} now */
  function show(now) {
    value.textContent = now.toLocaleString();
  }

  return {
    event(name, fields) {
      if (name === 'Incremented') show(fields.value);
      if (name === 'WasReset') show(0);
    },
    reset: (now) => show(now.value),
  };
}
