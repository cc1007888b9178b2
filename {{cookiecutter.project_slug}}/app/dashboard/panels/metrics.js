/**
 * The metrics: how the service does at this moment, and how it did in the last two minutes.
 */

import { el, write } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';
import { graphOf } from '/dashboard/metrics/graph.js';

export const title = 'Metrics';
export const wide = true;
export const rank = 1;
export const styles = '/dashboard/metrics/metrics.css';

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const rate = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/**
 * @typedef { {timestamp: string, active_users: number, requests_per_second: number,
 *   error_rate: number} } Measured
 */

/**
 * @param {HTMLElement} root
 * @returns {import('../panels.js').Panel}
 */
export function mount(root) {
  const users = figure('Active users', whole, 4);
  const events = figure('Events / s', rate, 10);
  const requests = figure('Requests / s', rate, 10);
  const errors = figure('Error rate', percent, 0.1);
  const figures = [users, events, requests, errors];
  const draw = perFrame(() => figures.forEach((each) => each.draw()));
  let heard = 0;
  let since = performance.now();
  root.append(el('div', { class: 'figures' }, ...figures.map((each) => each.root)));

  return {
    event(name, /** @type {Measured} */ fields, { seq }) {
      if (seq) heard += 1; // What is ephemeral, as a measurement is, is not in the log.
      if (name !== 'MetricsUpdated') return;
      const [at, now] = [Date.parse(fields.timestamp), performance.now()];
      events.add(at, (heard * 1000) / Math.max(now - since, 100));
      [heard, since] = [0, now];
      users.add(at, fields.active_users);
      requests.add(at, fields.requests_per_second);
      errors.add(at, fields.error_rate);
      errors.root.classList.toggle('bad', fields.error_rate > 0);
      draw();
    },
    reset() {}, // No snapshot holds a measurement, and the last minutes stay what they were.
  };
}

/** @param {string} label @param {Intl.NumberFormat} format @param {number} least  that the graph's height stands for */
function figure(label, format, least) {
  const number = el('dd', {}, '–');
  const graph = graphOf(label, format, least);
  let value = 0;
  return {
    root: el('dl', { class: 'figure' }, el('dt', {}, label), number, el('dd', { class: 'picture' }, graph.root)),
    /** @param {number} at @param {number} now */
    add(at, now) {
      value = now;
      graph.add(at, now);
    },
    draw() {
      write(number, format.format(value));
      graph.draw();
    },
  };
}
