/**
 * The orders: a board with a column for each status, and a form that places one.
 */

import { el, field, form, price, shortened, time } from '/dashboard/dom.js';

export const title = 'Orders';
export const wide = true;
export const rank = 2;

const COLUMNS = ['pending', 'processing', 'shipped', 'cancelled'];
// As many as a snapshot holds, so that a page left open shows what a fresh one would.
const KEPT = 500;

/**
 * @typedef { {order_id: string, customer_id: string, status: string, total_cents: number,
 *   items: {name: string, quantity: number}[], placed_at: string, tracking_number?: string,
 *   reason?: string} } Order
 * @typedef {(action: import('../client.js').Action) => Promise<boolean>} Send
 */

/**
 * @param {HTMLElement} root
 * @param {import('../main.js').Context} context
 * @returns {import('../main.js').Panel}
 */
export function mount(root, { state, send, user }) {
  /** @type {Map<string, {order: Order, card: HTMLElement}>} oldest first */
  const shown = new Map();
  const columns = Object.fromEntries(COLUMNS.map((status) => [status, column(status)]));
  root.append(placeForm(send, user ?? 'alice'),
    el('div', { class: 'board' }, ...COLUMNS.map((status) => columns[status].root)));
  reset(state);

  /** @param {Order[]} orders  newest first */
  function reset(orders) {
    shown.clear();
    COLUMNS.forEach((status) => columns[status].cards.replaceChildren());
    [...orders].reverse().forEach(put);
    COLUMNS.forEach((status) => columns[status].count());
  }

  /** Show the order at the top of its column. @param {Order} order */
  function put(order) {
    const before = shown.get(order.order_id);
    const focused = before?.card.contains(document.activeElement);
    const card = cardOf(order, send);
    before?.card.remove();
    columns[order.status].cards.prepend(card);
    if (focused) card.focus();
    shown.set(order.order_id, { order, card });
    const [oldest] = shown.keys();
    if (shown.size > KEPT) remove(oldest);
  }

  /** @param {string} order_id */
  function remove(order_id) {
    shown.get(order_id)?.card.remove();
    shown.delete(order_id);
  }

  /** @param {string} order_id @param {Partial<Order>} fields */
  function change(order_id, fields) {
    const known = shown.get(order_id);
    if (known) put({ ...known.order, ...fields });
  }

  return {
    event(name, fields) {
      switch (name) {
        case 'OrderPlaced': put(fields); break;
        case 'OrderProcessing': change(fields.order_id, { ...fields, status: 'processing' }); break;
        case 'OrderShipped': change(fields.order_id, { ...fields, status: 'shipped' }); break;
        case 'OrderCancelled': change(fields.order_id, { ...fields, status: 'cancelled' }); break;
        default: return;
      }
      COLUMNS.forEach((status) => columns[status].count());
    },
    reset,
  };
}

/** @param {string} status */
function column(status) {
  const number = el('span', { class: 'count' }, '0');
  const cards = el('div', { class: 'cards' });
  const heading = el('h3', { id: `orders-${status}` }, status, number);
  const root = el('section', { class: 'column', 'aria-labelledby': heading.id }, heading, cards);
  root.dataset.status = status;
  return { root, cards, count: () => (number.textContent = cards.children.length) };
}

/** @param {Order} order @param {Send} send */
function cardOf(order, send) {
  const { order_id, status } = order;
  const units = order.items.map((item) => `${item.quantity} × ${item.name}`).join(', ');
  const card = el('article', { class: 'card', tabindex: -1, 'aria-label': `Order ${order_id}` },
    el('p', { class: 'top' },
      el('code', { title: order_id }, shortened(order_id)), time(order.placed_at)),
    el('p', { class: 'items' }, units),
    el('p', { class: 'top' }, el('span', {}, order.customer_id), el('b', {}, price(order.total_cents))));
  card.dataset.order = order_id;
  if (status === 'shipped') card.append(el('p', { class: 'note' }, order.tracking_number ?? ''));
  if (status === 'cancelled') card.append(el('p', { class: 'note' }, order.reason ?? ''));
  if (status === 'processing') {
    card.append(answerForm('Ship', 'Tracking number', `TRK-${order_id.slice(-6)}`,
      (tracking_number) => send({ ShipOrder: { order_id, tracking_number } })));
  }
  if (status === 'pending' || status === 'processing') {
    card.append(answerForm('Cancel', 'Reason', 'by request',
      (reason) => send({ CancelOrder: { order_id, reason } })));
  }
  return card;
}

/**
 * One button and the one thing it wants to know.
 * @param {string} verb
 * @param {string} label
 * @param {string} value
 * @param {(value: string) => Promise<boolean>} submit
 */
function answerForm(verb, label, value, submit) {
  const input = el('input', {
    name: 'answer', 'aria-label': label, title: label, value, required: true, autocomplete: 'off',
  });
  const button = el('button', { type: 'submit', class: verb.toLowerCase() }, verb);
  return form({ class: 'answer' }, ({ answer }) => submit(answer), input, button);
}

/** @param {Send} send @param {string} customer */
function placeForm(send, customer) {
  return form({ class: 'inline place', 'aria-label': 'Place an order' }, (values) => send({
    PlaceOrder: {
      customer_id: values.customer_id,
      items: [{
        product_id: values.product_id,
        name: values.name,
        quantity: Number(values.quantity),
        unit_price_cents: Math.round(Number(values.price) * 100),
      }],
    },
  }),
  field('Customer', { name: 'customer_id', value: customer }),
  field('Product', { name: 'product_id', value: 'earl-grey' }),
  field('Name', { name: 'name', value: 'Earl Grey' }),
  field('Quantity', { name: 'quantity', type: 'number', min: 1, step: 1, value: 1 }),
  field('Unit price', { name: 'price', type: 'number', min: 0, step: 0.01, value: '12.50' }),
  el('button', { type: 'submit', class: 'primary' }, 'Place order'));
}
