/**
 * The state of the connection in the bar, the position in the log, and the button that cuts it.
 */

import { perFrame } from '/dashboard/frame.js';
import { toast } from '/dashboard/toasts.js';

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);
const seconds = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/** @param {import('./client.js').LiveClient} client */
export function watchConnection(client) {
  const [state, seq, cut] = [byId('state'), byId('seq'), byId('cut')];
  /** @type { {at: number, seq: number} | null} */
  let lost = null;
  let isAnew = false;
  const draw = perFrame(() => {
    seq.textContent = client.seq.toLocaleString();
  });

  client.on('state', (now) => {
    state.dataset.state = document.body.dataset.state = now;
    state.textContent = now;
    cut.disabled = now !== 'live';
    if (now === 'recovering') lost ??= { at: performance.now(), seq: client.seq };
    if (now !== 'live' || !lost) return;
    const since = lost;
    lost = null;
    // What follows the change of the state, in the same turn, may be a snapshot.
    queueMicrotask(() => toast('news', wordsOf(since, isAnew)));
  });
  client.on('snapshot', () => {
    isAnew = true;
    queueMicrotask(() => (isAnew = false));
    draw();
  });
  client.on('event', draw);
  cut.addEventListener('click', () => client.interrupt());
}

/** @param { {at: number, seq: number} } lost @param {boolean} isAnew */
function wordsOf(lost, isAnew) {
  const length = seconds.format((performance.now() - lost.at) / 1000);
  const how = isAnew ? 'began anew from a snapshot' : `went on from position ${lost.seq}`;
  return `Live again after ${length} s: ${how}.`;
}
