/**
 * The newest events of the log, whatever their feature.
 */

import { el, shortened } from '/dashboard/dom.js';

const SHOWN = 30;

/** @param {HTMLElement} root */
export function mount(root) {
  const empty = el('p', { class: 'empty' }, 'Nothing has happened since this page was opened.');
  const list = el('ol', { class: 'activity', tabindex: 0, 'aria-label': 'Newest events' });
  root.append(empty, list);
  return {
    /**
     * @param {string} name
     * @param {Record<string, any>} fields
     * @param {import('./client.js').EventMessage} message
     */
    event(name, fields, message) {
      if (!message.seq) return; // It only passes: a measurement, once a second.
      empty.remove();
      list.prepend(el('li', {},
        el('b', {}, name),
        el('span', {}, subject(fields)),
        el('small', {}, `${message.seq}`)));
      while (list.children.length > SHOWN) list.lastChild.remove();
    },
  };
}

/** What the event is about: its first field. @param {Record<string, any>} fields */
function subject(fields) {
  const first = Object.values(fields)[0];
  return first === undefined || typeof first === 'object' ? '' : shortened(String(first));
}
