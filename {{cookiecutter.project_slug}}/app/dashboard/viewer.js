/**
 * Who looks at this page. While the service takes anybody's word for it, that can be chosen.
 *
 * @typedef { {name: string, role: string, chooses: boolean} } Viewer  `chooses`: by the address
 */

import { el } from '/dashboard/dom.js';

const NOBODY = { name: 'anonymous', role: 'anonymous', chooses: false };

/** What the choice says, and what it adds to the address. */
const PARTS = [
  ['anyone (operator)', ''],
  ['alice', '?user=alice'],
  ['bob', '?user=bob'],
  ['carol', '?user=carol'],
  ['alice (operator)', '?user=alice&role=operator'],
  ['olivia (operator)', '?user=olivia&role=operator'],
];

/** The part that the page's address names, as it is added to every other address. */
export function partOf(/** @type {string} */ search) {
  const given = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const name of ['user', 'role']) {
    const value = given.get(name);
    if (value) kept.set(name, value);
  }
  return kept.size ? `?${kept}` : '';
}

/**
 * @param {import('./client.js').LiveClient} client
 * @param {(message: string) => void} refused
 * @returns {Promise<Viewer>}
 */
export async function readViewer(client, refused) {
  try {
    return await client.read('/dashboard/viewer');
  } catch (error) {
    refused(/** @type {Error} */ (error).message);
    return NOBODY;
  }
}

/** Fill the corner of the page. @param {HTMLElement} corner @param {Viewer} viewer */
export function showViewer(corner, viewer) {
  if (!viewer.chooses) {
    const role = viewer.role === viewer.name ? '' : ` (${viewer.role})`;
    corner.replaceChildren(el('span', { class: 'who' }, `${viewer.name}${role}`));
    return;
  }
  const current = partOf(location.search);
  const isListed = PARTS.some(([, part]) => part === current);
  const others = isListed ? [] : [[`${viewer.name} (${viewer.role})`, current]];
  const select = el('select', { 'aria-label': 'Who am I', title: 'Who am I' },
    ...[...PARTS, ...others].map(([words, part]) =>
      el('option', { value: part, selected: part === current }, words)));
  // A page of its own for each: nothing of what one may see is left for the next.
  select.addEventListener('change', () => location.assign(`/${select.value}`));
  corner.replaceChildren(select);
}
