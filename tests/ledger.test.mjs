/** The orders of a board: what is hoped for stands above what was told, until it is answered. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

const { Ledger } = await import(process.env.LEDGER);

const order = (order_id, status = 'processing') => ({ order_id, status, customer_id: 'alice', items: [] });
const ids = (ledger, status) => ledger.latest(status, 10).map(({ order_id }) => order_id);

test('a hope that is refused leaves what was told', () => {
  const ledger = new Ledger();
  ledger.reset([order('one')]);

  ledger.hope('one', { status: 'shipped', tracking_number: 'T' });
  assert.deepEqual(ids(ledger, 'shipped'), ['one']);
  assert.equal(ledger.latest('shipped', 1)[0].isHoped, true);
  ledger.changed('one', { status: 'cancelled' });
  ledger.answered('one');

  assert.deepEqual(ids(ledger, 'cancelled'), ['one']);
  assert.equal(ledger.count('shipped'), 0);
});

test('a new order that is refused is gone', () => {
  const ledger = new Ledger();

  ledger.hope('one', order('one', 'pending'));
  assert.equal(ledger.count('pending'), 1);
  ledger.answered('one');

  assert.equal(ledger.count('pending'), 0);
});

test('a hope that comes true is told once', () => {
  const ledger = new Ledger();
  ledger.hope('one', order('one', 'pending'));

  ledger.placed(order('one', 'pending'));
  ledger.changed('one', { status: 'processing' });
  ledger.answered('one');

  assert.equal(ledger.count('pending'), 0);
  assert.deepEqual(ids(ledger, 'processing'), ['one']);
  assert.equal(ledger.latest('processing', 1)[0].isHoped, undefined);
});

test('what is on its way outlives a new beginning', () => {
  const ledger = new Ledger();
  ledger.reset([order('two'), order('one')]);
  ledger.hope('one', { status: 'cancelled' });

  ledger.reset([order('three'), order('two'), order('one')]);

  assert.deepEqual(ids(ledger, 'processing'), ['three', 'two']);
  assert.deepEqual(ids(ledger, 'cancelled'), ['one']);
});

test('the newest thousand are kept', () => {
  const ledger = new Ledger();
  for (let number = 0; number < 1200; number += 1) ledger.placed(order(`${number}`));

  assert.equal(ledger.count('processing'), 1000);
  assert.deepEqual(ledger.latest('processing', 2).map(({ order_id }) => order_id), ['1199', '1198']);
});
