/**
 * The text that several pages edit at once, against a service that this file plays.
 *
 * Run by test_client.py, which names the module's file in TEXT.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const { SharedText, applied, changesBetween, moved } = await import(pathToFileURL(process.env.TEXT).href);
const LETTERS = ['a', 'b', '\n', 'é', '🍵', '👩‍🚀'];

/** Chances that are the same at every run. */
function chances(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function someText(chance, longest) {
  return Array.from({ length: chance(longest + 1) }, () => LETTERS[chance(LETTERS.length)]).join('');
}

/** The text after somebody has replaced a part of it. */
function edited(chance, text) {
  const points = [...text];
  const at = chance(points.length + 1);
  points.splice(at, chance(3), ...someText(chance, 3));
  return points.join('');
}

test('changes are the smallest single replacement', () => {
  assert.deepEqual(changesBetween('', 'tea'), [{ op: 'insert', at: 0, text: 'tea' }]);
  assert.deepEqual(changesBetween('green tea', 'tea'), [{ op: 'delete', at: 0, count: 6 }]);
  assert.deepEqual(changesBetween('red tea', 'rich tea'),
    [{ op: 'delete', at: 1, count: 2 }, { op: 'insert', at: 1, text: 'ich' }]);
  assert.deepEqual(changesBetween('tea', 'tea'), []);
});

test('positions count code points, and half of one is never sent', () => {
  assert.deepEqual(changesBetween('🍵🍵 tea', '🍵🍵 hot tea'), [{ op: 'insert', at: 3, text: 'hot ' }]);
  assert.deepEqual(changesBetween('🍵', '🍶'),
    [{ op: 'delete', at: 0, count: 1 }, { op: 'insert', at: 0, text: '🍶' }]);
  assert.equal(applied('🍵tea', [{ op: 'delete', at: 0, count: 1 }]), 'tea');
});

test('applying what lies between two texts gives the second', () => {
  const chance = chances(1);
  for (let run = 0; run < 2_000; run += 1) {
    const [before, after] = [someText(chance, 8), someText(chance, 8)];
    assert.equal(applied(before, changesBetween(before, after)), after);
  }
});

test('a caret stays with the characters that it stands between', () => {
  assert.equal(moved(3, 'tea', '🍵 tea'), 6);
  assert.equal(moved(1, 'tea', 'teas'), 1);
  assert.equal(moved(5, 'green tea', 'tea'), 0);
  assert.equal(moved(9, 'green tea', 'tea'), 3);
});

test('one edit is on its way at a time, and the next says what came meanwhile', () => {
  const text = new SharedText(4, 'tea');
  text.typed('tea!');
  assert.deepEqual(text.next(), { base_version: 4, changes: [{ op: 'insert', at: 3, text: '!' }] });
  text.typed('tea!?');
  assert.equal(text.next(), null);

  text.updated(5, [{ op: 'insert', at: 3, text: '!' }]);
  assert.equal(text.answered(), true);

  assert.equal(text.mine, 'tea!?');
  assert.deepEqual(text.next(), { base_version: 5, changes: [{ op: 'insert', at: 4, text: '?' }] });
});

test('what others change elsewhere stands beside what was typed here', () => {
  const text = new SharedText(1, 'milk and sugar');
  text.typed('milk and sugar, please');
  text.next();

  text.updated(2, [{ op: 'insert', at: 0, text: 'no ' }]);

  assert.equal(text.answered(), true, 'others were faster');
  assert.equal(text.mine, 'no milk and sugar, please');
  assert.deepEqual(text.next(), { base_version: 2, changes: [{ op: 'insert', at: 17, text: ', please' }] });
});

test('what was typed before others were seen stands beside what they have changed', () => {
  const text = new SharedText(1, 'tea');
  text.updated(2, [{ op: 'insert', at: 3, text: ', please' }]);

  text.typed('hot tea', 'tea');

  assert.equal(text.mine, 'hot tea, please');
  assert.deepEqual(text.next(), { base_version: 2, changes: [{ op: 'insert', at: 0, text: 'hot ' }] });
});

test('what was typed where others, not seen yet, have changed the same place is a conflict', () => {
  const text = new SharedText(1, 'black tea');
  text.updated(2, [{ op: 'delete', at: 0, count: 5 }, { op: 'insert', at: 0, text: 'white' }]);

  text.typed('green tea', 'black tea');

  assert.deepEqual([text.conflicted, text.mine, text.next()], [true, 'green tea', null]);
});

test('a conflict keeps what was typed, sends nothing, and ends as the person chooses', () => {
  for (const choice of ['keepMine', 'takeTheirs', 'typed']) {
    const text = new SharedText(1, 'black tea');
    text.typed('green tea');

    text.updated(2, [{ op: 'delete', at: 0, count: 5 }, { op: 'insert', at: 0, text: 'white' }]);
    assert.deepEqual([text.conflicted, text.mine, text.next()], [true, 'green tea', null]);
    text[choice]('white tea');

    assert.equal(text.conflicted, false);
    assert.equal(text.next()?.base_version, choice === 'keepMine' ? 2 : undefined);
    assert.equal(text.mine, choice === 'keepMine' ? 'green tea' : 'white tea');
  }
});

test('an edit whose answer was lost is known by the text that it left', () => {
  const text = new SharedText(1, 'tea');
  text.typed('tea for two');
  text.next();
  text.answered();
  text.typed('tea for two, please');

  text.became(2, 'tea for two');

  assert.equal(text.conflicted, false);
  assert.deepEqual(text.next().changes, [{ op: 'insert', at: 11, text: ', please' }]);
});

test('what another takes away of it and puts back stays as the other has it', () => {
  const text = new SharedText(1, 'tea');
  text.typed('tea!');
  text.updated(2, text.next().changes);
  text.answered();

  text.updated(3, [{ op: 'delete', at: 0, count: 4 }]);
  assert.equal(text.mine, '');
  text.updated(4, [{ op: 'insert', at: 0, text: 'tea!' }]);

  assert.deepEqual([text.mine, text.next()], ['tea!', null]);
});

test('what was refused says nothing of the same text that others write later', () => {
  const text = new SharedText(1, 'tea');
  text.typed('tea!');
  text.next();
  text.updated(2, [{ op: 'delete', at: 0, count: 3 }]);
  text.answered();
  text.takeTheirs();

  text.updated(3, [{ op: 'insert', at: 0, text: 'tea!' }]);

  assert.deepEqual([text.mine, text.next()], ['tea!', null]);
});

test('events that are known are passed over, and a gap is noticed', () => {
  const text = new SharedText(3, 'tea');

  assert.equal(text.updated(3, [{ op: 'insert', at: 0, text: 'x' }]), true);
  assert.equal(text.updated(5, [{ op: 'insert', at: 0, text: 'x' }]), false);

  assert.deepEqual([text.version, text.mine], [3, 'tea']);
});

test('a text with carriage returns is not changed by being looked at', () => {
  const text = new SharedText(1, 'one\r\ntwo\r');

  assert.equal(text.mine, 'one\ntwo\n');
  assert.equal(text.next(), null);
});

test('a long text goes in parts', () => {
  const text = new SharedText(0, '');
  text.typed('🍵'.repeat(20_000));
  let [version, base] = [0, ''];
  for (let edit = text.next(); edit && version < 9; edit = text.next()) {
    assert.ok(Buffer.byteLength(JSON.stringify(edit)) < 60_000);
    base = applied(base, edit.changes);
    text.updated((version += 1), edit.changes);
    text.answered();
  }

  assert.deepEqual([version, base], [3, text.mine]);
});

/** Two pages and the service between them; what is said arrives in order, but late. */
function world(chance) {
  const service = { version: 0, text: someText(chance, 6) };
  const pages = [0, 1].map(() => (
    { text: new SharedText(0, service.text), seen: service.text, inbox: [], outbox: [] }));
  const decide = (page) => {
    const edit = page.outbox.shift();
    if (edit.base_version !== service.version) return page.inbox.push(['refused']);
    service.text = applied(service.text, edit.changes);
    service.version += 1;
    pages.forEach(({ inbox }) => inbox.push(['updated', service.version, edit.changes]));
    return page.inbox.push(['taken']);
  };
  const hear = ({ text, inbox }) => {
    const [what, ...rest] = inbox.shift();
    if (what === 'updated') assert.equal(text.updated(...rest), true);
    else assert.equal(text.answered(), true, 'another version, be it by our own edit');
  };
  const step = (page, mayType) => {
    if (!chance(3)) page.seen = page.text.mine;
    if (mayType && !chance(3)) {
      page.text.typed(edited(chance, page.seen), page.seen);
      page.seen = page.text.mine;
    } else if (page.inbox.length && chance(2)) hear(page);
    else if (page.outbox.length && chance(2)) decide(page);
    else if (page.text.conflicted) page.text[chance(2) ? 'keepMine' : 'takeTheirs']();
    else page.outbox.push(...[page.text.next()].filter((edit) => edit));
  };
  return { service, pages, step };
}

test('whatever two pages type, in the end both have what the service has', () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const chance = chances(seed);
    const { service, pages, step } = world(chance);
    for (let turn = 0; turn < 60; turn += 1) step(pages[chance(2)], true);
    for (let turn = 0; turn < 400; turn += 1) step(pages[chance(2)], false);

    assert.deepEqual(pages.map(({ text }) => text.mine), [service.text, service.text], `seed ${seed}`);
    assert.deepEqual(pages.map(({ text }) => text.version), [service.version, service.version]);
  }
});
