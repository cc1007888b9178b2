/** Lets a script import the modules of k6, which `k6_user.mjs` has made, and be a module itself. */

const NAMES = {
  k6: ['check'],
  'k6/metrics': ['Counter', 'Trend'],
  'k6/websockets': ['WebSocket'],
};

export async function resolve(name, context, next) {
  return name in NAMES ? { url: `k6:${name}`, shortCircuit: true } : next(name, context);
}

export async function load(url, context, next) {
  const name = url.replace(/^k6:/, '');
  if (!(name in NAMES)) return next(url, { ...context, format: 'module' });
  const source = `export const { ${NAMES[name].join(', ')} } = globalThis.k6['${name}'];`;
  return { format: 'module', source, shortCircuit: true };
}
