/**
 * The newest entries of the log as a list: as many as were asked for, up to a bound.
 *
 * @typedef { {position: number, name: string, about: string, by: string} } Row
 */

import { tagged } from '/client.js';
import { arrange, button, el, shortened, write } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';

const [KEPT, SHOWN] = [1_000, 200];

/**
 * @param {(position: number) => void} choose
 * @param {(before: number) => Promise<any>} readPage
 */
export function entries(choose, readPage) {
  /** @type {Map<number, Row>} */
  const rows = new Map();
  /** @type {Map<number, any>} */
  let items = new Map(); // Kept as long as they are shown: one of them may have the focus.
  let [wanted, chosen] = ['', /** @type {number | null} */ (null)];
  // Before it nothing has been read: 0 when there is nothing more, Infinity when nothing is known.
  let next = Infinity;
  const draw = perFrame(show);
  const list = el('ol', {});
  const more = button('Earlier', readMore, { class: 'quiet' });
  const root = el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Newest first' }, list, more);

  function show() {
    const before = items;
    const meant = [...rows.values()]
      .filter(({ name }) => name.toLowerCase().includes(wanted))
      .sort((one, other) => other.position - one.position)
      .slice(0, SHOWN);
    items = new Map(meant.map((row) => [row.position, before.get(row.position) ?? itemOf(row, choose)]));
    for (const { position, by } of meant) {
      const { firstChild } = items.get(position);
      firstChild.setAttribute('aria-pressed', position === chosen);
      write(firstChild.lastChild, by); // What was heard live does not say by whom; the log does.
    }
    arrange(list, [...items.values()]);
    more.hidden = next === 0 || next === Infinity || rows.size >= KEPT || meant.length >= SHOWN;
  }

  async function readMore() {
    const page = await readPage(next).catch(() => null);
    if (page) take(page);
  }

  /** @param {any} page  what is listed already may be in it again */
  function take(page) {
    for (const entry of page.items) {
      const row = rowOf(entry);
      rows.set(row.position, row);
    }
    // The newest page is read again and again: it does not take back how far somebody has gone.
    next = Math.min(next, page.next ?? 0);
    draw();
  }

  return {
    root,
    take,
    /** Forget all: it is another log, or much has been missed. */
    clear() {
      rows.clear();
      items.clear();
      next = Infinity;
    },
    /** @param {Row} row  newer than all others */
    add(row) {
      rows.set(row.position, row);
      if (rows.size > KEPT) rows.delete(Math.min(...rows.keys()));
      draw();
    },
    /** @param {string} name */
    only(name) {
      wanted = name.trim().toLowerCase();
      draw();
    },
    /** @param {number | null} position */
    mark(position) {
      chosen = position;
      draw();
    },
    /** What happened there, if it is in the list. @param {number} position */
    words(position) {
      const row = rows.get(position);
      return row ? `${row.name} ${row.about}`.trim() : '';
    },
  };
}

/** What is shown of an entry. @param {any} entry @returns {Row} */
export function rowOf({ position, action, event, outcome, principal, role }) {
  const by = principal ? `${principal}${role === principal ? '' : ` (${role})`}` : '';
  if (!event) return { position, name: action ? tagged(action)[0] : 'effect', about: outcome ?? '', by };
  const [name, fields] = tagged(event);
  const about = Object.values(fields)[0];
  return { position, name, about: typeof about === 'string' ? shortened(about) : '', by };
}

/** @param {Row} row @param {(position: number) => void} choose */
function itemOf({ position, name, about }, choose) {
  const item = button('', () => choose(position), { class: 'bare' });
  item.append(el('small', {}, `${position}`), el('b', {}, name), el('span', {}, about), el('span'));
  return el('li', {}, item);
}
