/**
 * The counter: one number, and the two commands that change it.
 */

import { button, el, write } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';

export const title = 'Counter';
export const wide = true;
export const rank = 6;
export const styles = '/dashboard/counter/counter.css';
export const first = { label: 'Count one up', action: () => ({ Increment: { by: 1 } }) };

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send, viewer }) {
  let { value } = state;
  const output = el('output', { class: 'number', 'aria-live': 'polite' });
  const add = (/** @type {number} */ by) => button(`+${by}`, () => send({ Increment: { by } }),
    { 'aria-label': `Increment by ${by}` });
  const increment = button('Increment', () => send({ Increment: { by: 1 } }), { class: 'primary' });
  const reset = button('Reset', () => send('Reset'));
  reset.hidden = viewer.role !== 'operator';
  const draw = perFrame(() => write(output, value.toLocaleString()));
  root.append(el('div', { class: 'counter' }, output,
    el('div', { class: 'actions' }, increment, add(10), add(100), reset)));
  draw();

  /** @param {number} now */
  function show(now) {
    value = now;
    draw();
  }

  return {
    event(name, fields) {
      if (name === 'Incremented') show(fields.value);
      if (name === 'WasReset') show(0);
    },
    reset: (now) => show(now.value),
  };
}
