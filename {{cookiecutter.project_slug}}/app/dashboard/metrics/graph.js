/**
 * A line of the last two minutes.
 */

import { svg } from '/dashboard/dom.js';

const SPAN = 120_000;
// Between measurements that are further apart there is a gap in the line.
const GAP = 10_000;
const [WIDTH, HEIGHT] = [300, 60];

/** @typedef { {at: number, value: number} } Sample */

/** @param {string} label @param {Intl.NumberFormat} format @param {number} least  that the height stands for */
export function graphOf(label, format, least) {
  /** @type {Sample[]} */
  let samples = [];
  const area = svg('path', { class: 'area' });
  const line = svg('path', { class: 'line', 'vector-effect': 'non-scaling-stroke' });
  const root = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label,
  }, area, line);

  function draw() {
    const peak = Math.max(...samples.map(({ value }) => value), 0);
    const last = samples.at(-1)?.at ?? 0;
    const runs = runsOf(samples).map((run) => run.map((each) => point(each, last, Math.max(peak, least))));
    line.setAttribute('d', runs.map((run) => `M${run.map(([x, y]) => `${x},${y}`).join('L')}`).join(''));
    area.setAttribute('d', runs.map(closed).join(''));
    root.setAttribute('aria-label', `${label} in the last two minutes: ${format.format(peak)} at most`);
  }

  return {
    root,
    draw,
    /** @param {number} at @param {number} value */
    add(at, value) {
      samples = [...samples, { at, value }].filter((sample) => sample.at > at - SPAN);
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

/** @param {Sample} sample @param {number} now @param {number} top @returns {[number, number]} */
function point({ at, value }, now, top) {
  const x = WIDTH * (1 - (now - at) / SPAN);
  const y = HEIGHT - 2 - (HEIGHT - 6) * (value / top);
  return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
}

/** The area under a line. @param {[number, number][]} run */
function closed(run) {
  const [[first], [last]] = [run[0], run[run.length - 1]];
  return `M${first},${HEIGHT}L${run.map(([x, y]) => `${x},${y}`).join('L')}L${last},${HEIGHT}Z`;
}
