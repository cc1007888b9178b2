/**
 * Runs a script for k6 without k6: `node k6.mjs SCRIPT`; settings are in the environment.
 *
 * Stood in for are k6's program and its modules (`k6_user.mjs`): as many users as the script asks
 * for, each in a runtime of its own, as k6 has them, and thresholds over what they have measured.
 * The scenario's executor, one iteration a user, is the only one that is known here.
 */

import { Worker } from 'node:worker_threads';

const [, , script] = process.argv;
const USER = new URL('./k6_user.mjs', import.meta.url);
const figures = {};

/** One user: everything that it has measured, when it is done or out of time. */
function user(number, milliseconds) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(USER, { workerData: { script, number } });
    const late = setTimeout(() => reject(new Error('an iteration took too long')), milliseconds);
    worker.on('message', ({ name, value }) => (figures[name] ??= []).push(value));
    worker.on('error', reject);
    worker.on('exit', () => resolve(clearTimeout(late)));
  });
}

/** What the script asks for, told by a user that does nothing. */
function optionsOf() {
  return new Promise((resolve, reject) => {
    const worker = new Worker(USER, { workerData: { script, number: 0 } });
    worker.on('message', ({ options }) => resolve(options));
    worker.on('error', reject);
  });
}

const SUMS = {
  count: (values) => values.reduce((sum, value) => sum + value, 0),
  rate: (values) => values.filter(Boolean).length / values.length,
  'p(95)': (values) => values.toSorted((one, other) => one - other)[Math.ceil(values.length * 0.95) - 1],
};
const COMPARED = {
  '<': (one, other) => one < other,
  '==': (one, other) => one === other,
};

/** Whether `p(95)<500` and the like are true of what was measured. */
function holds(name, expression) {
  const [, sum, sign, bound] = expression.match(/^(.+?)(<|==)(.+)$/);
  return COMPARED[sign](SUMS[sum](figures[name] ?? []), Number(bound));
}

const { scenarios, thresholds } = await optionsOf();
const [{ executor, vus, iterations, maxDuration }] = Object.values(scenarios);
if (executor !== 'per-vu-iterations' || iterations !== 1) throw new Error(`no stand-in for ${executor}`);
const numbers = Array.from({ length: vus }, (_, index) => index + 1);
await Promise.all(numbers.map((number) => user(number, parseFloat(maxDuration) * 1000)));
const crossed = Object.entries(thresholds)
  .flatMap(([name, all]) => all.map((each) => [name, each]))
  .filter(([name, each]) => !holds(name, each))
  .map(([name]) => name);
process.stdout.write(JSON.stringify({ vus, figures, crossed }));
