/**
 * The inventory: what can be sold now, and a form that adds to it.
 */

import { el, field, form } from '/dashboard/dom.js';

export const title = 'Inventory';

const LOW = 5;

/**
 * @param {HTMLElement} root
 * @param {import('../main.js').Context} context
 * @returns {import('../main.js').Panel}
 */
export function mount(root, { state, send }) {
  /** @type {Map<string, number>} units available, by product */
  let available = new Map();
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
    available = new Map(products.map((product) => [product.product_id, product.available]));
    show();
  }

  /** @param {string} [changed]  the product that has just changed */
  function show(changed) {
    empty.hidden = available.size > 0;
    table.hidden = available.size === 0;
    const products = [...available].sort(([a], [b]) => (a < b ? -1 : 1));
    rows.replaceChildren(...products.map(([product_id, units]) => el('tr', {
      class: `${product_id === changed ? 'changed' : ''} ${units <= LOW ? 'low' : ''}`,
    }, el('th', { scope: 'row' }, product_id), el('td', {}, units.toLocaleString()))));
  }

  return {
    event(name, fields) {
      if (name !== 'InventoryUpdated') return;
      available.set(fields.product_id, fields.available);
      show(fields.product_id);
    },
    reset,
  };
}
