/**
 * The documents: texts that everybody edits at once. What is typed here is sent as the smallest
 * change there is, and what others type appears around it.
 */

import { deskOf } from '/dashboard/documents/desk.js';
import { SharedText } from '/dashboard/documents/text.js';
import { chips, el, field, form } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';

export const title = 'Documents';
export const rank = 1;
export const styles = '/dashboard/documents/documents.css';

const FIRST = 'readme';
const SEND_MILLISECONDS = 250;
// As many as a snapshot holds.
const LISTED = 50;

/**
 * @typedef { {doc_id: string, version: number, text: string} } Document
 * @typedef { {doc_id: string, version: number,
 *   changes: import('../documents/text.js').Change[]} } Updated
 */

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, command, read }) {
  /** @type {Map<string, SharedText>} */
  const texts = new Map();
  /** @type {Map<string, Updated[]>} what happens to a document while it is read */
  const loading = new Map();
  /** @type {string[]} */
  let listed = [];
  /** @type {string} */
  let shown = state[0]?.doc_id ?? FIRST;
  /** Why it cannot be read. */
  let failure = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const list = chips('Documents', choose);
  const desk = deskOf(sendSoon);
  const draw = perFrame(() => desk.between(show));
  root.append(
    form({ class: 'inline', 'aria-label': 'Open a document' },
      async ({ doc_id }) => choose(doc_id),
      field('Document', { name: 'doc_id', value: shown, maxlength: 64 }),
      el('button', { type: 'submit' }, 'Open')),
    list.root, desk.root);
  reset(state);

  /** @param {Document[]} documents  edited last first */
  function reset(documents) {
    listed = documents.map(({ doc_id }) => doc_id);
    documents.forEach(became);
    for (const [doc_id, text] of texts) {
      if (listed.includes(doc_id) || doc_id === shown) continue;
      if (text.changed) load(doc_id);
      else texts.delete(doc_id);
    }
    if (!listed.includes(shown)) load(shown);
    sendSoon();
    show();
  }

  /** @param {string} doc_id */
  function choose(doc_id) {
    shown = doc_id;
    failure = '';
    if (!texts.has(doc_id)) load(doc_id);
    show();
  }

  function show() {
    list.show(listed.includes(shown) ? listed : [shown, ...listed], shown);
    desk.show(shown, texts.get(shown), failure);
  }

  /** @param {Document} document */
  function became({ doc_id, version, text }) {
    const known = texts.get(doc_id);
    if (known) known.became(version, text);
    else texts.set(doc_id, new SharedText(version, text));
  }

  /** @param {Updated} fields */
  function updated(fields) {
    const { doc_id, version, changes } = fields;
    if (!listed.includes(doc_id)) listed = [doc_id, ...listed].slice(0, LISTED);
    if (loading.has(doc_id)) loading.get(doc_id)?.push(fields);
    else if (texts.get(doc_id)?.updated(version, changes) === false) load(doc_id);
  }

  /** Read one that the snapshot leaves out. @param {string} doc_id */
  async function load(doc_id) {
    /** @type {Updated[]} */
    const early = [];
    loading.set(doc_id, early);
    const [document, problem] = await read(`/api/v1/documents/${encodeURIComponent(doc_id)}`)
      .then((found) => [found, ''], (/** @type {Error} */ error) => [null, error.message]);
    if (loading.get(doc_id) !== early) return;
    loading.delete(doc_id);
    desk.between(() => {
      if (doc_id === shown) failure = problem;
      if (document) became(document);
      early.forEach(updated);
      sendSoon();
      show();
    });
  }

  function sendSoon() {
    timer ??= setTimeout(() => {
      timer = undefined;
      desk.between(() => texts.forEach(send));
    }, SEND_MILLISECONDS);
  }

  /** @param {SharedText} text @param {string} doc_id */
  async function send(text, doc_id) {
    const edit = text.next();
    if (!edit) return;
    const refusal = await command({ EditDocument: { doc_id, ...edit } })
      .then(() => null, (/** @type {Error} */ error) => error);
    // When others were faster, the same is sent again, as a change of what they have made of it.
    const isLate = text.answered();
    text.problem = refusal && !isLate ? refusal.message : '';
    if (!text.problem) sendSoon();
    show();
  }

  return {
    event(name, fields) {
      if (name !== 'DocumentUpdated') return;
      desk.between(() => {
        updated(fields);
        draw();
      });
    },
    reset: (documents) => desk.between(() => reset(documents)),
    live() {
      if (!texts.has(shown)) choose(shown);
    },
  };
}
