/**
 * The batches: how far each has come, and a form that starts one.
 */

import { el, field, form, shortened, write } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';

export const title = 'Jobs';
export const rank = 4;
export const styles = '/dashboard/jobs/jobs.css';

// As many as a snapshot holds, so that a page left open shows what a fresh one would.
const KEPT = 50;

/**
 * @typedef { {batch_id: string, status: 'running' | 'completed' | 'cancelled', total: number,
 *   processed: number, succeeded: number, failed: number} } Batch
 */

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send }) {
  /** @type {Map<string, ReturnType<typeof rowOf>>} started last last */
  const shown = new Map();
  /** @type {Set<ReturnType<typeof rowOf>>} changed since the last frame */
  const changed = new Set();
  const draw = perFrame(() => {
    changed.forEach((row) => row.draw());
    changed.clear();
  });
  const empty = el('p', { class: 'empty' }, 'No batch has been started yet.');
  const list = el('ol', { class: 'rows scroll', tabindex: 0, 'aria-label': 'Started last first' });
  const start = form({ class: 'inline', 'aria-label': 'Start a batch' },
    ({ total_items }) => send({ StartBatch: { total_items: Number(total_items) } }),
    field('Items', { name: 'total_items', type: 'number', min: 1, max: 100_000, step: 1, value: 500 }),
    el('button', { type: 'submit' }, 'Start'));
  root.append(start, empty, list);
  reset(state);

  /** @param {Batch[]} batches  started last first */
  function reset(batches) {
    shown.clear();
    list.replaceChildren();
    [...batches].reverse().forEach(put);
    empty.hidden = shown.size > 0;
    list.hidden = shown.size === 0;
  }

  /** @param {Batch} batch */
  function put(batch) {
    const row = rowOf(batch, () => send({ CancelBatch: { batch_id: batch.batch_id } }));
    shown.set(batch.batch_id, row);
    list.prepend(row.root);
    const [[oldest, last]] = shown;
    if (shown.size <= KEPT) return;
    shown.delete(oldest);
    last.root.remove();
  }

  /** @param {string} batch_id @param {Partial<Batch>} fields */
  function change(batch_id, fields) {
    const row = shown.get(batch_id);
    if (!row) return;
    row.change(fields);
    changed.add(row);
    draw();
  }

  return {
    event(name, { batch_id, succeeded, failed, ...fields }) {
      switch (name) {
        case 'BatchProcessStarted':
          put({
            batch_id, status: 'running', total: fields.total_items, processed: 0, succeeded: 0, failed: 0,
          });
          empty.hidden = true;
          list.hidden = false;
          break;
        case 'BatchProcessProgress':
          change(batch_id, { processed: fields.processed, succeeded, failed });
          break;
        case 'BatchProcessCompleted':
          change(batch_id, { status: 'completed', processed: succeeded + failed, succeeded, failed });
          break;
        case 'BatchProcessCancelled':
          change(batch_id, { status: 'cancelled' });
          break;
        default:
      }
    },
    reset,
  };
}

/**
 * @param {Batch} batch
 * @param {() => Promise<boolean>} cancel
 */
function rowOf(batch, cancel) {
  const { batch_id, total } = batch;
  const status = el('span', { class: 'status', role: 'status' });
  const progress = el('progress', { max: total, 'aria-label': `Progress of ${batch_id}` });
  const numbers = el('span', {});
  const button = el('button', { type: 'button', class: 'quiet cancel', 'aria-label': `Cancel ${batch_id}` }, 'Cancel');
  const root = el('li', { class: 'batch', tabindex: -1 },
    el('p', { class: 'top' }, el('code', { title: batch_id }, shortened(batch_id)), status),
    progress, el('p', { class: 'top' }, numbers, button));
  root.dataset.batch = batch_id;
  button.addEventListener('click', cancel);
  draw();

  function draw() {
    const failures = batch.failed ? `, ${batch.failed.toLocaleString()} failed` : '';
    root.dataset.status = batch.status;
    write(status, batch.status);
    progress.value = batch.processed;
    write(numbers, `${batch.processed.toLocaleString()} of ${total.toLocaleString()}${failures}`);
    if (batch.status === 'running') return;
    if (button === document.activeElement) root.focus();
    button.remove();
  }

  return {
    root,
    draw,
    /** @param {Partial<Batch>} fields */
    change: (fields) => (batch = { ...batch, ...fields }),
  };
}
