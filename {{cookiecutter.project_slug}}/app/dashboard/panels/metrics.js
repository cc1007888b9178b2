/**
 * The metrics: how the service does at this moment, and how many requests came in the last minute.
 */

import { el, svg } from '/dashboard/dom.js';

export const title = 'Metrics';
export const wide = true;
export const rank = 1;

const MINUTE = 60_000;
// Between measurements that are further apart there is a gap in the line.
const GAP = 10_000;
const [WIDTH, HEIGHT] = [600, 100];

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const rate = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/**
 * @typedef { {timestamp: string, active_users: number, requests_per_second: number,
 *   error_rate: number} } Measured
 * @typedef { {at: number, value: number} } Sample
 */

/**
 * @param {HTMLElement} root
 * @returns {import('../main.js').Panel}
 */
export function mount(root) {
  const requests = figure('Requests / s');
  const users = figure('Active users');
  const errors = figure('Error rate');
  const line = sparkline('Requests per second in the last minute');
  root.append(el('div', { class: 'metrics' },
    el('dl', { class: 'figures' }, requests.root, users.root, errors.root), line.root));

  return {
    event(name, /** @type {Measured} */ fields) {
      if (name !== 'MetricsUpdated') return;
      requests.show(rate.format(fields.requests_per_second));
      users.show(fields.active_users.toLocaleString());
      errors.show(percent.format(fields.error_rate));
      errors.root.classList.toggle('bad', fields.error_rate > 0);
      line.add({ at: Date.parse(fields.timestamp), value: fields.requests_per_second });
    },
    reset() {}, // No snapshot holds a measurement, and the last minute stays what it was.
  };
}

/** @param {string} label */
function figure(label) {
  const value = el('dd', {}, '–');
  return {
    root: el('div', {}, el('dt', {}, label), value),
    /** @param {string} now */
    show: (now) => (value.textContent = now),
  };
}

/** @param {string} label */
function sparkline(label) {
  /** @type {Sample[]} */
  let samples = [];
  const area = svg('path', { class: 'area' });
  const line = svg('path', { class: 'line', 'vector-effect': 'non-scaling-stroke' });
  const picture = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label,
  }, area, line);
  const most = el('span', { class: 'most' });
  const caption = el('figcaption', {}, el('span', {}, 'last minute'), most);
  return {
    root: el('figure', { class: 'sparkline' }, picture, caption),
    /** @param {Sample} sample */
    add(sample) {
      samples = [...samples, sample].filter(({ at }) => at > sample.at - MINUTE);
      const peak = Math.max(...samples.map(({ value }) => value));
      const said = rate.format(peak);
      const runs = runsOf(samples).map((run) => run.map((each) => point(each, sample.at, peak)));
      line.setAttribute('d', runs.map((run) => `M${run.map(([x, y]) => `${x},${y}`).join('L')}`).join(''));
      area.setAttribute('d', runs.map(closed).join(''));
      picture.setAttribute('aria-label', `${label}: ${said} at most`);
      most.textContent = `at most ${said} per second`;
    },
  };
}

/** Samples that follow each other without a gap. @param {Sample[]} samples */
function runsOf(samples) {
  /** @type {Sample[][]} */
  const runs = [];
  samples.forEach((sample, index) => {
    const before = samples[index - 1];
    if (before && sample.at - before.at < GAP) runs.at(-1)?.push(sample);
    else runs.push([sample]);
  });
  return runs;
}

/** @param {Sample} sample @param {number} now @param {number} peak @returns {[number, number]} */
function point({ at, value }, now, peak) {
  const x = WIDTH * (1 - (now - at) / MINUTE);
  const y = HEIGHT - 4 - (HEIGHT - 10) * (value / Math.max(peak, 1));
  return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
}

/** The area under a line. @param {[number, number][]} run */
function closed(run) {
  const [[first], [last]] = [run[0], run[run.length - 1]];
  return `M${first},${HEIGHT}L${run.map(([x, y]) => `${x},${y}`).join('L')}L${last},${HEIGHT}Z`;
}
