/**
 * The event log, and a slider through it: what was known at any position, and a moment as a test.
 */

import { button, el, field, write } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';
import { copy } from '/dashboard/timeline/copy.js';
import { entries, rowOf } from '/dashboard/timeline/entries.js';
import { tree } from '/dashboard/timeline/tree.js';
import { partOf } from '/dashboard/viewer.js';

export const title = 'Event log';
export const styles = '/dashboard/timeline/timeline.css';

const [SETTLED_MILLISECONDS, QUIET_MILLISECONDS] = [120, 1_500];
const LIVE = 'Live: choose an event, or move the slider, to see what was known then.';

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { read, tell, viewer }) {
  if (viewer.role !== 'operator') {
    root.append(el('p', { class: 'empty' }, 'Operators see here all that has happened.'));
    return { event() {}, reset() {} };
  }
  /** @type {number | null} the position that is looked at; null is now */
  let at = null;
  let [head, shown, isReading] = [0, -1, false];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settling;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let quiet;
  const draw = perFrame(show);
  const list = entries((position) => choose(position), readPage);
  const slider = el('input', { type: 'range', min: 0, max: 0, value: 0, 'aria-label': 'Position in the event log' });
  const where = el('output', {}, LIVE);
  const live = button('Back to live', () => choose(null), { class: 'quiet' });
  const test = button('Copy as test', () => copyTest(), { class: 'quiet' });
  const state = el('div', { class: 'then', tabindex: 0, role: 'group', 'aria-label': 'What was known then' });
  const filter = field('Only events named', { type: 'search', required: false });
  filter.addEventListener('input', (/** @type {any} */ event) => list.only(event.target.value));
  slider.addEventListener('input', () => choose(Number(slider.value)));
  root.append(
    el('div', { class: 'travel' }, slider, live, test), where,
    el('div', { class: 'timeline' }, el('div', { class: 'events' }, filter, list.root), state));
  draw();
  reset();

  function reset() {
    head = 0;
    list.clear();
    return refresh();
  }

  async function refresh() {
    try {
      const page = await readPage();
      head = Math.max(head, page.seq);
      list.take(page);
      draw();
    } catch (error) {
      write(where, /** @type {Error} */ (error).message);
    }
  }

  /** @param {number} [before] */
  function readPage(before) {
    return read(`/api/v1/log?limit=100${before ? `&before=${before}` : ''}`);
  }

  /** @param {number | null} position */
  function choose(position) {
    at = position;
    clearTimeout(settling);
    settling = setTimeout(readState, SETTLED_MILLISECONDS);
    draw();
  }

  function show() {
    slider.max = head;
    slider.value = at ?? head;
    live.disabled = test.disabled = at === null;
    list.mark(at);
    if (at !== null) return;
    shown = -1;
    write(where, LIVE);
    state.replaceChildren();
  }

  /** One at a time: whoever moves the slider on asks for where it stands by then. */
  async function readState() {
    if (isReading) return;
    isReading = true;
    while (at !== null && at !== shown) {
      const wanted = at;
      write(where, `Position ${wanted} of ${head} …`);
      try {
        const then = await read(`/api/v1/log/${wanted}/state`);
        if (at === wanted) showState(wanted, then);
      } catch (error) {
        write(where, /** @type {Error} */ (error).message);
      }
      shown = wanted;
    }
    isReading = false;
    if (at === null) draw();
  }

  /** @param {number} position @param {any} then */
  function showState(position, then) {
    const words = list.words(position);
    write(where, `After position ${position} of ${head}${words ? `: ${words}` : ''}`);
    slider.setAttribute('aria-valuetext', where.textContent);
    state.replaceChildren(...tree(then.state, then.before));
  }

  async function copyTest() {
    const answer = await fetch(`/api/v1/log/${at}/test${partOf(location.search)}`);
    if (!answer.ok) return tell((await answer.json()).message, 'normal');
    const text = await answer.text();
    if (await copy(text)) return tell('Copied: paste it into a file of tests/.');
    state.replaceChildren(el('pre', { class: 'json' }, text)); // To be copied by hand.
  }

  return {
    event(name, fields, { seq }) {
      if (!seq) return; // It is ephemeral, and not in the log.
      head = Math.max(head, seq);
      list.add(rowOf({ position: seq, event: { [name]: fields } }));
      draw();
      clearTimeout(quiet);
      quiet = setTimeout(refresh, QUIET_MILLISECONDS); // The log says by whom.
    },
    reset,
    live: refresh,
  };
}
