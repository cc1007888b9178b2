/**
 * The inventory: what can be sold now, and a form that adds to it.
 */

import { arrange, el, field, form, write } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';

export const title = 'Inventory';
export const rank = 3;
export const styles = '/dashboard/inventory/inventory.css';

const LOW = 5;
// Rows; of the other products only the number is told.
const SHOWN = 100;

/** @typedef { {product_id: string, available: number} } Product */

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send, viewer }) {
  /** @type {Map<string, number>} */
  let levels = new Map();
  /** @type {Map<string, ReturnType<typeof rowOf>>} */
  let rows = new Map();
  const draw = perFrame(show);
  const empty = el('p', { class: 'empty' }, 'Nothing is tracked yet: add stock of a product.');
  const body = el('tbody');
  const rest = el('p', { class: 'rest' });
  const table = el('table', {},
    el('thead', {}, el('tr', {},
      el('th', { scope: 'col' }, 'Product'), el('th', { scope: 'col' }, 'Available'))), body);
  const add = form({ class: 'inline', 'aria-label': 'Add stock' },
    ({ product_id, quantity }) => send({ AddStock: { product_id, quantity: Number(quantity) } }),
    field('Product', { name: 'product_id', value: 'earl-grey', maxlength: 64 }),
    field('Units', { name: 'quantity', type: 'number', min: 1, max: 1_000_000, step: 1, value: 10 }),
    el('button', { type: 'submit' }, 'Add'));
  add.hidden = viewer.role !== 'operator';
  const scroll = el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Stock' }, table, rest);
  root.append(add, empty, scroll);
  reset(state);

  /** @param {Product[]} products */
  function reset(products) {
    levels = new Map(products.map(({ product_id, available }) => [product_id, available]));
    draw();
  }

  function show() {
    const shown = [...levels].sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, SHOWN);
    const most = Math.max(...shown.map(([, available]) => available));
    const before = rows;
    rows = new Map(shown.map(([name]) => [name, before.get(name) ?? rowOf(name)]));
    shown.forEach(([name, available]) => rows.get(name)?.show(available, most));
    arrange(body, [...rows.values()].map(({ root: row }) => row));
    write(rest, levels.size > SHOWN ? `and ${levels.size - SHOWN} more` : '');
    empty.hidden = levels.size > 0;
    scroll.hidden = levels.size === 0;
  }

  return {
    event(name, fields) {
      // What is reserved and released for an order is told by an InventoryUpdated each.
      if (name !== 'InventoryUpdated') return;
      levels.set(fields.product_id, fields.available);
      draw();
    },
    reset,
  };
}

/** @param {string} product_id */
function rowOf(product_id) {
  const number = el('b', {});
  const level = el('progress', { 'aria-hidden': 'true' });
  const low = el('span', { class: 'low', hidden: true }, 'low');
  const root = el('tr', {}, el('th', { scope: 'row' }, product_id), el('td', {}, low, number, level));
  root.dataset.product = product_id;
  return {
    root,
    /** @param {number} available @param {number} most  of any product */
    show(available, most) {
      write(number, available.toLocaleString());
      low.hidden = available > LOW;
      level.max = Math.max(most, 1);
      level.value = available;
    },
  };
}
