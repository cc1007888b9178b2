/**
 * Revocation: whose tokens no longer count, and since when.
 */

import { el, field, form, time } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';

export const title = 'Revoked tokens';
export const rank = 8;

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send }) {
  /** @type {Map<string, string>} times by user */
  const revoked = new Map();
  const draw = perFrame(show);
  const empty = el('p', { class: 'empty' }, 'Nobody’s: every token counts until it expires.');
  const rows = el('tbody');
  const table = el('table', {},
    el('thead', {}, el('tr', {},
      el('th', { scope: 'col' }, 'User'), el('th', { scope: 'col' }, 'Revoked'))), rows);
  const revoke = form({ class: 'inline', 'aria-label': 'Revoke tokens' },
    ({ user_id }) => send({ RevokeTokens: { user_id } }),
    field('User', { name: 'user_id', maxlength: 64 }),
    el('button', { type: 'submit' }, 'Revoke'));
  root.append(revoke, empty, el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Revoked' }, table));
  reset(state);

  /** @param { {user_id: string, revoked_at: string}[]} all */
  function reset(all) {
    revoked.clear();
    for (const { user_id, revoked_at } of all) revoked.set(user_id, revoked_at);
    draw();
  }

  function show() {
    const latest = [...revoked].sort(([, one], [, other]) => (one < other ? 1 : -1));
    rows.replaceChildren(...latest.map(([user, moment]) => el('tr', {},
      el('th', { scope: 'row' }, user), el('td', {}, time(moment)))));
    empty.hidden = revoked.size > 0;
    table.hidden = revoked.size === 0;
  }

  return {
    event(name, fields) {
      if (name !== 'TokensRevoked') return;
      revoked.set(fields.user_id, fields.revoked_at);
      draw();
    },
    reset,
  };
}
