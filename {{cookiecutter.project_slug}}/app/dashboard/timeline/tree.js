/**
 * A state as a tree that unfolds, with what changed marked: what is new, what it was, what is gone.
 */

import { el } from '/dashboard/dom.js';

const SHOWN = 50;

/**
 * A branch for each feature; `before` has those that changed, as they were.
 * @param {Record<string, any>} state
 * @param {Record<string, any>} before
 */
export function tree(state, before) {
  const names = Object.keys(state).sort((one, other) => Number(other in before) - Number(one in before));
  return names.map((name) => node(name, state[name], name in before ? before[name] : state[name], 0));
}

/** @param {string} name @param {any} value @param {any} was @param {number} depth @returns {HTMLElement} */
function node(name, value, was, depth) {
  const isChanged = value !== was && JSON.stringify(value) !== JSON.stringify(was);
  if (!isBranch(value)) return leaf(name, value, was, isChanged);
  const parts = Object.keys(value).length;
  const label = el('summary', {}, el('b', {}, name), el('small', {}, `${parts}`));
  const branch = el('details', { class: isChanged ? 'changed' : '' }, label);
  let isFilled = false;
  const fill = () => {
    if (isFilled || !branch.open) return;
    isFilled = true;
    branch.append(...children(value, isChanged ? was : value, depth + 1));
  };
  branch.addEventListener('toggle', fill);
  if (isChanged) branch.open = true;
  fill();
  return branch;
}

/** @param {any} value @param {any} was @param {number} depth */
function children(value, was, depth) {
  const [now, then] = [named(value), named(isBranch(was) ? was : {})];
  const gone = [...then.keys()].filter((name) => !now.has(name));
  const isChanged = (/** @type {string} */ name) => now.get(name) !== then.get(name)
    && JSON.stringify(now.get(name)) !== JSON.stringify(then.get(name));
  const changed = value === was ? [] : [...now.keys()].filter(isChanged);
  // What changed must be seen, however much else there is.
  const shown = new Set([...changed, ...now.keys()].slice(0, SHOWN));
  const nodes = [...now.keys()].filter((name) => shown.has(name))
    .map((name) => node(name, now.get(name), then.get(name), depth));
  const rest = now.size - shown.size;
  return [
    ...nodes,
    ...gone.slice(0, SHOWN).map((name) => el('p', {}, el('b', {}, name), el('del', {}, 'gone'))),
    ...(rest > 0 ? [el('p', { class: 'rest' }, `and ${rest} more`)] : []),
  ];
}

/** @param {string} name @param {any} value @param {any} was @param {boolean} isChanged */
function leaf(name, value, was, isChanged) {
  const old = isChanged && was !== undefined && !isBranch(was) ? [el('del', {}, `${was}`)] : [];
  const now = el(isChanged ? 'ins' : 'span', {}, `${value}`);
  return el('p', { class: isChanged ? 'changed' : '' }, el('b', {}, name), ...old, now);
}

/** The parts by name: those of a list by their ids, so that one more does not change all others. */
function named(/** @type {any} */ value) {
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  return new Map(value.map((each, place) => [idOf(each) ?? `${place}`, each]));
}

/** @param {any} value @returns {string | undefined} */
function idOf(value) {
  if (!isBranch(value)) return undefined;
  const id = Object.entries(value).find(([name]) => name.endsWith('_id')) ?? Object.entries(value)[0];
  return id && typeof id[1] === 'string' ? id[1] : undefined;
}

/** @param {any} value */
function isBranch(value) {
  return typeof value === 'object' && value !== null;
}
