/**
 * What is told for a moment, in the corner: news, and refusals.
 */

import { el } from '/dashboard/dom.js';

const MILLISECONDS = 10_000;
// Of each kind, the latest.
const SHOWN = 3;

/**
 * @param {'news' | 'refusals'} kind  refusals interrupt what a screen reader says
 * @param {string} message
 * @param {string} [priority]  `high` is kept until it is dismissed
 */
export function toast(kind, message, priority = '') {
  const close = el('button', { type: 'button', class: 'bare', 'aria-label': 'Dismiss' }, '×');
  const words = el('p', {}, message);
  const label = priority ? [el('span', { class: 'priority' }, priority)] : [];
  const shown = el('div', { class: 'toast' }, ...label, words, close);
  if (priority) shown.dataset.priority = priority;
  close.addEventListener('click', () => shown.remove());
  if (priority !== 'high') setTimeout(() => shown.remove(), MILLISECONDS);
  const all = document.getElementById(kind);
  if (!all) return;
  all.append(shown);
  if (all.children.length > SHOWN) all.firstElementChild?.remove();
}
