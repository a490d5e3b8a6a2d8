import assert from 'node:assert/strict';
import { test } from 'node:test';
import { categories, like, vendors } from 'volenti:notice';
import table from '../../../server/notice/testdata/resolve.json';
import { all, decide, hold, inForce, isChoices, places, resolve } from '../../src/gate/decide.ts';

const now = 1_800_000_000;
const boot = (more = {}) => ({ t: 'token', m: '-iiii', n: now - 300, ...more });
const decision = (c, more = {}) => ({ v: 1, c, n: '0123456789abcdef', a: now - 100, u: now + 1000, s: 0, e: 'e', ...more });

// The table is what the server is tested by too (server/notice/resolve_test.go): both must never judge differently.
test('what may load follows decision, law and signal', () => {
  assert.deepEqual([categories, like], [table.categories.map(([key]) => key), table.categories.map(([, as]) => as[0]).join('')]);
  assert.deepEqual(vendors.map(([key, category]) => [key, categories[category]]), table.vendors);
  for (const { why, models: m, signal, choices, implied, under_signal, want } of table.cases) {
    const given = choices === undefined ? undefined : decision(choices, { e: implied ? 'i' : 'e', s: under_signal ? 1 : 0 });
    assert.equal(resolve(boot({ m }), given, signal), want, `${why}: ${m} ${signal} ${choices}`);
  }
  assert.ok(table.cases.length >= 40 && table.foreign.length > 0);
  for (const choices of table.foreign) assert.equal(inForce(boot(), decision(choices), true, now), undefined, `of another notice: ${choices}`);
});

test('a visitor is asked as long as a question is open', () => {
  const table = [
    ['-iiii', undefined, true],
    ['-oooo', undefined, true],
    ['-nnnn', undefined, true],
    ['-----', undefined, false],
    ['-iiii', decision('10000.----'), false],
    ['-iiii', decision('1-111.----'), true],
    ['-iiii', decision('11111.----', { e: 'i' }), true],
    ['-iiii', decision('10000.----', { e: 'i' }), false],
    ['-oooo', decision('1----.----', { e: 'i' }), false],
    ['-oooi', decision('1----.----', { e: 'i' }), true],
    ['-oo?o', decision('1----.----'), true],
    ['-iiii', decision('11_00.----'), true],
    ['-oooo', decision('11_00.----'), false],
    ['-oioo', decision('11_00.----'), true],
    ['-iiii', decision('11110.---_'), true],
    ['-iioo', decision('11110.---_'), false],
    ['-iiii', decision('11110.---0'), false],
    ['-----', decision('1____.____'), false],
  ];
  for (const [m, given, want] of table) assert.equal(decide(boot({ m }), given, false).ask, want, `${m} ${given?.c}`);
});

test('a signal decides for the visitor only in a region of opt-out, once', () => {
  const table = [
    ['-oooo', true, undefined, '1--00.----'],
    ['-noon', true, undefined, '1--00.----'],
    ['-oooo', false, undefined, undefined],
    ['-oooo', true, decision('11111.----'), undefined],
    ['-iooo', true, undefined, undefined],
    ['-ooo?', true, undefined, undefined],
    ['-nnnn', true, undefined, undefined],
    ['-oonn', true, undefined, undefined],
    ['-----', true, undefined, undefined],
  ];
  for (const [m, signal, given, want] of table) assert.equal(decide(boot({ m }), given, signal).signal, want, `${m} ${signal}`);
});

test('of two decisions the newer one is in force, and only what is whole counts', () => {
  const served = { c: '11111.----', a: now - 500, u: now + 500 };
  const table = [
    ['nothing', {}, undefined, false, undefined],
    ['kept', {}, decision('10000.----'), false, '10000.----'],
    ['kept, expired', {}, decision('10000.----', { u: now }), false, undefined],
    ['kept, of another notice', {}, decision('10000.----', { n: 'f'.repeat(16) }), false, undefined],
    ['kept, of another shape', {}, decision('1000.----'), false, undefined],
    ['kept, and the server says its cookie is void', { x: now - 300 }, decision('10000.----', { a: now - 300 }), false, undefined],
    ['kept, and newer than that answer', { x: now - 300 }, decision('10000.----', { a: now - 299 }), false, '10000.----'],
    ['served, with a cookie', served, undefined, true, '11111.----'],
    ['served, without: a cached answer', served, undefined, false, undefined],
    ['served, without, and the same is kept', served, decision('11111.----', { a: now - 500 }), false, '11111.----'],
    ['served, and the same is kept of an older notice', served, decision('11111.----', { n: 'f'.repeat(16), a: now - 600 }), false, '11111.----'],
    ['served, expired', { ...served, u: now }, undefined, true, undefined],
    ['served, of another shape', { ...served, c: '1111.----' }, undefined, true, undefined],
    ['served, not text', { ...served, c: 7 }, undefined, true, undefined],
    ['served, and an older one kept', served, decision('10000.----', { a: now - 600 }), true, '11111.----'],
    ['served, and a newer one kept', served, decision('10000.----', { a: now - 499 }), true, '10000.----'],
    ['served, and a newer grant kept', { ...served, c: '10000.----' }, decision('11111.----'), true, '11111.----'],
    ['served without a cookie, and an older one kept', served, decision('10000.----', { a: now - 600 }), false, '10000.----'],
  ];
  for (const [what, more, kept, seen, want] of table) assert.equal(inForce(boot(more), kept, seen, now)?.c, want, what);
  assert.equal(inForce(boot(served), undefined, true, now - 9e6)?.c, '11111.----');
  assert.equal(inForce(boot({ ...served, u: now - 301 }), undefined, true, 0), undefined, 'a clock that is late believes the server’s');
  assert.equal(inForce(boot(served), decision('11111.----', { r: 'receipt', a: now - 600 }), true, now).r, 'receipt', 'the receipt is kept');
  assert.equal(inForce(boot({ ...served, c: '11111.---_', i: 'served' }), decision('11111.----', { n: 'f'.repeat(16) }), true, now).r, 'served', 'or named, where the page has lost it');
});

test('what is open is named place by place', () => {
  const table = [
    ['-iiii', undefined, [1, 2, 3, 4]],
    ['-iiii', decision('11110.----'), []],
    ['-iiii', decision('1110_.----'), [4]],
    ['-iiii', decision('1110-.----'), [4]],
    ['-iiii', decision('11110.-_-_'), [7, 9]],
    ['-iiii', decision('1_110.-_--'), [1]],
    ['-oiio', decision('1_110.-_-_'), [9]],
    ['-iiii', decision('11110.----', { e: 'i' }), [1, 2, 3]],
  ];
  for (const [m, given, want] of table) assert.deepEqual(places(boot({ m }), given), want, `${m} ${given?.c}`);
});

test('what was granted ends before what was refused, where the law lets a refusal rest longer', () => {
  const half = 15552000, year = 31104000;
  const table = [
    // choices, months of the law, ends, rests
    ['11111.----', undefined, half, undefined],
    ['10000.----', undefined, half, undefined],
    ['11000.----', undefined, half, undefined],
    ['11111.----', 12, half, undefined],
    ['10000.----', 12, year, undefined],
    ['11000.----', 12, half, year],
    ['1----.---0', 12, year, undefined],
    ['11111.---0', 12, half, year],
    ['1----.----', 12, half, undefined],
  ];
  for (const [c, r, u, w] of table) {
    const got = hold(boot(r ? { r } : {}), c, now);
    assert.deepEqual([got.u, got.w], [now + u, w && now + w], `${c} ${r}`);
  }
});

test('when its grants have ended a decision is open where they were, and rests where it refused', () => {
  const lapsed = { u: now - 1, w: now + 1000 };
  assert.equal(inForce(boot(), decision('11000.---0', lapsed), false, now).c, '1_000.---0');
  assert.equal(inForce(boot(), decision('11000.---1', lapsed), false, now).u, now + 1000);
  assert.equal(inForce(boot(), decision('11000.----', { u: now + 1, w: now + 1000 }), false, now).c, '11000.----');
  assert.equal(inForce(boot(), decision('11000.----', { u: now - 9, w: now }), false, now), undefined);
  assert.equal(inForce(boot({ c: '11000.----', a: now - 500, u: now - 1, w: now + 5 }), undefined, true, now).c, '1_000.----', 'a cached answer, too');
});

test('whoever knew the newest policies last is the one who knows', () => {
  const table = [
    // served, kept, known since
    [{ c: '10000.----', a: now - 500, u: now + 9 }, undefined, now - 500],
    [{ c: '10000.----', a: now - 500, u: now + 9, k: now - 60 }, undefined, now - 60],
    [{ c: '10000.----', a: now - 500, u: now + 9, k: now - 600 }, undefined, now - 600],
    [{ c: '10000.----', a: now - 500, u: now + 9, k: now - 60 }, decision('10000.----', { a: now - 500, k: now - 30 }), now - 30],
    [{ c: '10000.----', a: now - 500, u: now + 9, k: now - 30 }, decision('10000.----', { a: now - 500 }), now - 30],
    [{}, decision('10000.----', { k: now - 300 }), now - 300],
    [{}, decision('10000.----'), now - 100],
  ];
  for (const [served, kept, want] of table) assert.equal(inForce(boot(served), kept, true, now).k, want, JSON.stringify([served, kept]));
});

test('choices have one form', () => {
  for (const text of ['10000.----', '-----.----', '11111.1111', '1_1_0._--_']) assert.ok(isChoices(text), text);
  for (const text of ['', '.', '1000.----', '10000.---', '10000.-----', '100000.---', '1000x.----', '10000-----', '10000.----\n', ' 10000.----', '10000.----.', undefined, null, 7, ['10000.----'], {}])
    assert.ok(!isChoices(text), String(text));
  assert.deepEqual([all('1'), all('0'), all('-')], ['11111.----', '10000.----', '1----.----']);
});
