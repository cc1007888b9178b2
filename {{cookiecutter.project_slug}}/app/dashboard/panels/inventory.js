/**
 * The inventory: what can be sold now, and a form that adds to it.
 */

import { el, field, form } from '/dashboard/dom.js';

export const title = 'Inventory';
export const rank = 3;

const LOW = 5;

/**
 * @param {HTMLElement} root
 * @param {import('../main.js').Context} context
 * @returns {import('../main.js').Panel}
 */
export function mount(root, { state, send }) {
  /** @type {Map<string, HTMLElement>} rows by product */
  const shown = new Map();
  const empty = el('p', { class: 'empty' }, 'Nothing is tracked yet: add stock of a product.');
  const rows = el('tbody');
  const table = el('table', {},
    el('thead', {}, el('tr', {},
      el('th', { scope: 'col' }, 'Product'), el('th', { scope: 'col' }, 'Available'))), rows);
  const add = form({ class: 'inline', 'aria-label': 'Add stock' }, addStock,
    field('Product', { name: 'product_id', value: 'earl-grey' }),
    field('Units', { name: 'quantity', type: 'number', min: 1, step: 1, value: 10 }),
    el('button', { type: 'submit' }, 'Add stock'));
  root.append(add, empty, el('div', { class: 'scroll' }, table));
  reset(state);

  /** @param {Record<string, string>} values */
  function addStock({ product_id, quantity }) {
    return send({ AddStock: { product_id, quantity: Number(quantity) } });
  }

  /** @param { {product_id: string, available: number}[]} products */
  function reset(products) {
    shown.clear();
    rows.replaceChildren();
    products.forEach((product) => put(product));
    empty.hidden = shown.size > 0;
    table.hidden = shown.size === 0;
  }

  /** @param { {product_id: string, available: number} } product @param {string} [mark] */
  function put({ product_id, available }, mark = '') {
    const row = el('tr', { class: available <= LOW ? `low ${mark}` : mark },
      el('th', { scope: 'row' }, product_id), el('td', {}, available.toLocaleString()));
    row.dataset.product = product_id;
    const next = [...rows.children].find((other) => other.dataset.product > product_id);
    shown.get(product_id)?.remove();
    rows.insertBefore(row, next ?? null);
    shown.set(product_id, row);
  }

  return {
    event(name, fields) {
      // What is reserved and released for an order is told by an InventoryUpdated each.
      if (name !== 'InventoryUpdated') return;
      put(fields, 'changed');
      empty.hidden = true;
      table.hidden = false;
    },
    reset,
  };
}
