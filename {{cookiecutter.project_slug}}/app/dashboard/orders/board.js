/**
 * The board: a column for each status, in which cards stand and to which they move.
 */

import { arrange, el, write } from '/dashboard/dom.js';
import { lift } from '/dashboard/orders/flight.js';
import { cardOf } from '/dashboard/orders/card.js';

const COLUMNS = ['pending', 'processing', 'shipped', 'cancelled'];
// Cards of a column; of the others only the number is told.
const SHOWN = 30;

/**
 * @param {import('./ledger.js').Ledger} ledger
 * @param {boolean} ships
 * @param {Parameters<typeof cardOf>[2]} change
 */
export function boardOf(ledger, ships, change) {
  /** @type {Map<string, ReturnType<typeof cardOf>>} */
  let cards = new Map();
  const columns = COLUMNS.map((status) => columnOf(status));
  const root = el('div', { class: 'board', role: 'group', 'aria-label': 'Orders by status', tabindex: 0 },
    ...columns.map((column) => column.root));

  /** Show what the ledger has now. */
  function draw() {
    const wanted = columns.map(({ status }) => ledger.latest(status, SHOWN));
    const [before, focused] = [cards, /** @type {HTMLElement | null} */ (document.activeElement)];
    cards = new Map(wanted.flat().map((order) => [order.order_id, before.get(order.order_id)
      ?? cardOf(order, ships, change)]));
    const moved = wanted.flat().flatMap((order) => {
      const card = before.get(order.order_id);
      return card && card.order().status !== order.status ? [card.root] : [];
    });
    const land = lift(moved);
    wanted.forEach((orders, index) => columns[index].show(
      orders.map((order) => rootOf(cards.get(order.order_id), order)), ledger.count(COLUMNS[index])));
    if (focused !== document.activeElement && root.contains(focused)) focused?.focus();
    land();
  }

  return { root, draw };
}

/** @param {ReturnType<typeof cardOf> | undefined} card @param {import('./ledger.js').Shown} order */
function rootOf(card, order) {
  if (card?.order() !== order) card?.show(order);
  return card?.root;
}

/** @param {string} status */
function columnOf(status) {
  const number = el('span', { class: 'count' }, '0');
  const heading = el('h3', { id: `orders-${status}` }, status, number);
  const cards = el('ol', { class: 'cards', tabindex: 0, 'aria-labelledby': heading.id });
  const rest = el('p', { class: 'rest', hidden: true });
  const root = el('section', { class: 'column', 'aria-labelledby': heading.id }, heading, cards, rest);
  root.dataset.status = status;
  return {
    status,
    root,
    /** @param {HTMLElement[]} shown @param {number} all */
    show(shown, all) {
      arrange(cards, shown);
      write(number, all.toLocaleString());
      rest.hidden = all === shown.length;
      write(rest, `and ${(all - shown.length).toLocaleString()} more`);
    },
  };
}
