/**
 * Putting text on the clipboard, also where a page may not ask for it: plain HTTP is no secure
 * context.
 */

import { el } from '/dashboard/dom.js';

/** Whether it is there. @param {string} text @returns {Promise<boolean>} */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** @param {string} text */
function copySelected(text) {
  const area = el('textarea', { readonly: true, 'aria-hidden': 'true', class: 'unseen' });
  const focused = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
