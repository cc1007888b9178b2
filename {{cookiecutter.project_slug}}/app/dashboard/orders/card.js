/**
 * The card of one order.
 *
 * @typedef {import('./ledger.js').Shown} Shown
 */

import { button, el, price, shortened, time, write } from '/dashboard/dom.js';

/**
 * @param {Shown} order
 * @param {boolean} ships  whether whoever looks at it may ship
 * @param {(order: Shown, change: {status: string, tracking_number?: string, reason?: string}) => void} change
 */
export function cardOf(order, ships, change) {
  const { order_id } = order;
  const note = el('p', { class: 'note', dir: 'auto' });
  const ship = button('Ship', () => {
    change(order, { status: 'shipped', tracking_number: `TRK-${order_id.slice(-6)}` });
  }, { class: 'quiet ship', 'aria-label': `Ship order ${order_id}` });
  const cancel = button('Cancel', () => change(order, { status: 'cancelled', reason: 'by request' }),
    { class: 'quiet cancel', 'aria-label': `Cancel order ${order_id}` });
  const actions = el('p', { class: 'actions' }, ship, cancel);
  const root = el('li', { class: 'card', tabindex: -1, 'aria-label': `Order ${order_id}` },
    el('p', { class: 'top' }, el('b', { class: 'items', dir: 'auto' }, wordsOf(order)),
      el('span', { class: 'sum' }, price(order.total_cents))),
    el('p', { class: 'about' }, el('span', { dir: 'auto' }, order.customer_id),
      el('code', { title: order_id }, shortened(order_id)), time(order.placed_at)),
    note, actions);
  root.dataset.order = order_id;

  /** @param {Shown} now */
  function show(now) {
    order = now;
    const { status, isHoped = false } = now;
    root.dataset.status = status;
    root.classList.toggle('hoped', isHoped);
    const said = { shipped: now.tracking_number, cancelled: now.reason }[status] ?? '';
    write(note, isHoped ? 'on its way…' : said);
    note.hidden = !note.textContent;
    ship.hidden = isHoped || !ships || status !== 'processing';
    cancel.hidden = isHoped || !['pending', 'processing'].includes(status);
    // A button that goes away must not take the focus with it.
    if (ship.hidden && cancel.hidden && actions.contains(document.activeElement)) root.focus();
    actions.hidden = ship.hidden && cancel.hidden;
  }

  show(order);
  return { root, show, order: () => order };
}

/** @param {Shown} order */
function wordsOf({ items }) {
  return items.map(({ quantity, name }) => `${quantity} × ${name}`).join(', ');
}
