/**
 * The orders: a board with a column for each status, and a form that places one. What is done here is
 * shown at once, and taken back when the service refuses it.
 */

import { uuid } from '/client.js';
import { el, field, form } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';
import { boardOf } from '/dashboard/orders/board.js';
import { Ledger } from '/dashboard/orders/ledger.js';

export const title = 'Orders';
export const wide = true;
export const rank = 2;
export const styles = '/dashboard/orders/orders.css';
export const first = { label: 'Place an order', action: firstOrder };

const GOODS = ['Earl Grey', 'Darjeeling', 'Sencha', 'Assam', 'Oolong'];

/**
 * @typedef {import('../orders/ledger.js').Order} Order
 * @typedef {import('../orders/ledger.js').Shown} Shown
 * @typedef {import('../client.js').Action} Action
 */

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send, viewer }) {
  const ledger = new Ledger();
  const board = boardOf(ledger, viewer.role === 'operator', change);
  const draw = perFrame(board.draw);
  root.append(placeForm(customerOf(viewer), viewer.role === 'customer', place), board.root);
  reset(state);

  /** @param {Order[]} orders  newest first */
  function reset(orders) {
    ledger.reset(orders);
    draw();
  }

  /** @param {Order} order */
  function place(order) {
    const { order_id, customer_id, items } = order;
    return hope(order_id, order, { PlaceOrder: { order_id, customer_id, items } });
  }

  /** @param {Shown} order @param {Partial<Order>} fields */
  function change({ order_id }, fields) {
    const { tracking_number, reason } = fields;
    hope(order_id, fields, fields.status === 'shipped'
      ? { ShipOrder: { order_id, tracking_number } } : { CancelOrder: { order_id, reason } });
  }

  /** @param {string} order_id @param {Partial<Order>} fields @param {Action} action */
  async function hope(order_id, fields, action) {
    ledger.hope(order_id, fields);
    draw();
    await send(action);
    ledger.answered(order_id);
    draw();
  }

  return {
    event(name, fields) {
      switch (name) {
        case 'OrderPlaced': ledger.placed(fields); break;
        case 'OrderProcessing': ledger.changed(fields.order_id, { status: 'processing' }); break;
        case 'OrderShipped': ledger.changed(fields.order_id, { ...fields, status: 'shipped' }); break;
        case 'OrderCancelled': ledger.changed(fields.order_id, { ...fields, status: 'cancelled' }); break;
        default: return;
      }
      draw();
    },
    reset,
  };
}

/** @param {string} customer_id @param {string} name @param {number} quantity @param {number} cents @returns {Order} */
function orderOf(customer_id, name, quantity, cents) {
  const product_id = name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'other';
  return {
    order_id: `ord-${uuid().replaceAll('-', '')}`,
    customer_id,
    status: 'pending',
    total_cents: quantity * cents,
    items: [{ product_id: product_id.slice(0, 64), name, quantity, unit_price_cents: cents }],
    placed_at: new Date().toISOString(),
  };
}

/** @param {import('../viewer.js').Viewer} viewer */
function customerOf({ name }) {
  return name === 'anonymous' ? 'alice' : name;
}

/** @param {import('../viewer.js').Viewer} viewer @returns {Action} */
function firstOrder(viewer) {
  const name = GOODS[Math.floor(Math.random() * GOODS.length)];
  const { customer_id, items } = orderOf(customerOf(viewer), name, 2, 1250);
  return { PlaceOrder: { customer_id, items } };
}

/**
 * @param {string} customer
 * @param {boolean} isTheirs  a customer places orders of their own
 * @param {(order: Order) => Promise<void>} place
 */
function placeForm(customer, isTheirs, place) {
  const goods = el('datalist', { id: 'goods' }, ...GOODS.map((name) => el('option', { value: name })));
  return form({ class: 'inline place', 'aria-label': 'Place an order' }, async (values) => {
    // The board shows it; the next one need not wait until it is answered.
    place(orderOf(values.customer_id, values.name, Number(values.quantity), Math.round(Number(values.price) * 100)));
  },
  field('Customer', { name: 'customer_id', value: customer, maxlength: 64, readonly: isTheirs }),
  field('Product', { name: 'name', value: GOODS[0], maxlength: 200, list: goods.id }),
  field('Quantity', { name: 'quantity', type: 'number', min: 1, max: 10_000, step: 1, value: 1 }),
  field('Unit price', { name: 'price', type: 'number', min: 0, step: 0.01, value: '12.50' }),
  el('button', { type: 'submit', class: 'primary' }, 'Place order'), goods);
}
