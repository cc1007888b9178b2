/** One user of `k6.mjs`, in a thread of its own, with what k6 gives to a script. */

import { readFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const Socket = createRequire(import.meta.url)('ws');
const { script, number } = workerData;
const told = (name) => (value) => parentPort.postMessage({ name, value: Number(value) });

class Measured {
  constructor(name) { this.add = told(name); }
}

/** As k6's: no protocols may be null, and headers are a parameter; what cannot be opened closes. */
class WebSocket extends Socket {
  constructor(url, protocols, { headers } = {}) {
    super(url, protocols ?? [], { headers });
    this.on('error', () => {});
  }
  // k6 throws where browsers do not: InvalidStateError.
  send(text) {
    if (this.readyState !== Socket.OPEN) throw new Error('InvalidStateError');
    super.send(text);
  }
}

globalThis.__ENV = process.env;
globalThis.__VU = number;
globalThis.open = (name) => readFileSync(path.join(path.dirname(script), name), 'utf8');
globalThis.k6 = {
  k6: {
    check(value, sets) {
      const results = Object.values(sets).map((holds) => Boolean(holds(value)));
      results.forEach(told('checks'));
      return results.every(Boolean);
    },
  },
  'k6/metrics': { Counter: Measured, Trend: Measured },
  'k6/websockets': { WebSocket },
};
register('./k6_modules.mjs', import.meta.url);
const { default: iterate, options } = await import(pathToFileURL(script).href);
if (number) iterate();
else parentPort.postMessage({ options });
