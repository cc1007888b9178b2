/**
 * Where one text is read and written, with word of how far it is saved.
 *
 * @typedef {import('./text.js').SharedText} SharedText
 */

import { el } from '/dashboard/dom.js';
import { moved } from '/dashboard/documents/text.js';

const CONFLICT = 'Somebody else has changed the same place. '
  + 'What you typed is still here, and has not been sent.';

/** @param {() => void} typed  what follows when there is something to send */
export function deskOf(typed) {
  /** @type {SharedText | undefined} */
  let text;
  let failure = '';
  /** @type {(() => void)[]} what must not happen while a character is being composed */
  const waiting = [];
  let isComposing = false;
  let seen = '';
  const area = el('textarea', {
    id: 'document-text', rows: 9, placeholder: 'Nobody has written here yet.', readonly: true,
    'aria-describedby': 'document-note', dir: 'auto',
  });
  const label = el('label', { for: area.id });
  const note = el('span', { id: 'document-note' });
  const problem = el('p', { class: 'problem', role: 'alert', hidden: true });
  const conflict = conflictOf(
    () => settle((conflicted) => conflicted.keepMine()),
    () => settle((conflicted) => conflicted.takeTheirs()));
  area.addEventListener('input', take);
  area.addEventListener('compositionstart', () => (isComposing = true));
  area.addEventListener('compositionend', () => {
    isComposing = false;
    take();
    waiting.splice(0).forEach((act) => act());
  });

  // Others' changes are known before they are drawn: what is typed belongs to what was seen.
  function take() {
    if (!isComposing) change((changed) => changed.typed(area.value, seen));
  }

  /** @param {(conflicted: SharedText) => void} choice */
  function settle(choice) {
    change(choice);
    area.focus();
  }

  /** @param {(changed: SharedText) => void} act */
  function change(act) {
    if (!text) return;
    act(text);
    refresh();
    typed();
  }

  function refresh() {
    area.readOnly = !text;
    const saved = text?.changed ? 'not saved' : 'saved';
    note.textContent = text ? `version ${text.version} · ${saved}` : '';
    say(text?.problem || failure);
    conflict.show(text?.conflicted ? text.base : null);
    if (area.value !== (text?.mine ?? '')) rewrite(text?.mine ?? '');
    seen = area.value;
  }

  /** Show a text that is not what was typed last. @param {string} now */
  function rewrite(now) {
    const { value, selectionStart, selectionEnd, scrollTop } = area;
    area.value = now;
    area.scrollTop = scrollTop;
    if (document.activeElement !== area) return;
    area.setSelectionRange(moved(selectionStart, value, now), moved(selectionEnd, value, now));
  }

  /** @param {string} words */
  function say(words) {
    problem.hidden = !words;
    if (problem.textContent !== words) problem.textContent = words;
  }

  return {
    root: el('div', { class: 'desk' },
      el('p', { class: 'top' }, label, note), area, problem, conflict.root),
    /**
     * @param {string} doc_id
     * @param {SharedText | undefined} now  undefined while it is read, or cannot be
     * @param {string} why  it cannot be read
     */
    show(doc_id, now, why) {
      label.textContent = `Text of ${doc_id}`;
      text = now;
      failure = why;
      refresh();
    },
    /** Do it now, or once the character that is being composed is there. @param {() => void} act */
    between(act) {
      if (isComposing) waiting.push(act);
      else act();
    },
  };
}

/**
 * What the person is told, and can do, when others have changed the same place.
 * @param {() => void} keepMine
 * @param {() => void} takeTheirs
 */
function conflictOf(keepMine, takeTheirs) {
  const words = el('p', { role: 'alert' });
  const theirs = el('pre', { class: 'json', tabindex: 0, dir: 'auto' });
  const keep = el('button', { type: 'button', class: 'primary' }, 'Keep mine');
  const take = el('button', { type: 'button' }, 'Take theirs');
  keep.addEventListener('click', keepMine);
  take.addEventListener('click', takeTheirs);
  const details = el('details', {}, el('summary', {}, 'Their text'), theirs);
  const root = el('div', { class: 'conflict', hidden: true }, words, details,
    el('div', { class: 'actions' }, keep, take));
  return {
    root,
    /** @param {string | null} text  what they have; null when there is no conflict */
    show(text) {
      theirs.textContent = text;
      if (root.hidden === (text === null)) return;
      root.hidden = text === null;
      details.open = false;
      words.textContent = text === null ? '' : CONFLICT;
    },
  };
}
