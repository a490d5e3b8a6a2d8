// What somebody who has decided is asked again, and what becomes of the rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolve } from '../../src/gate/decide.ts';
import { fill, holdPart, honored, overrule, part, standing } from '../../src/gate/part.ts';

const now = 1_800_000_000;
const boot = (more = {}) => ({ t: 'token', m: '-iiii', n: now - 300, ...more });
const decision = (c, more = {}) => ({ v: 1, c, n: '0123456789abcdef', a: now - 100, u: now + 1000, s: 0, e: 'e', ...more });

test('a part is asked for where the rest was answered, and everything where nothing was', () => {
  const table = [
    ['-iiii', decision('1110_.----'), [4], 'a category more'],
    ['-iiii', decision('11110.---_'), [9], 'a vendor more'],
    ['-iiii', decision('1_1_0._--_'), [1, 3], 'vendors of an open category are asked for with it'],
    ['-iiii', decision('1____.-1--'), [], 'a placeholder alone answers no category'],
    ['-iiii', decision('1---0.----'), [1, 2, 3], 'a refusal taken along from another law'],
    ['-iiii', decision('1----.----', { e: 'i' }), [], 'having read is no answer'],
    ['-niii', decision('1-___.----'), [], 'nor is what needs none'],
    ['-oooo', decision('1___0.---_'), [], 'other laws ask for no answer'],
    ['-iiii', decision('11110.----'), [], 'nothing is open'],
  ];
  for (const [m, given, want, why] of table) assert.deepEqual(part(boot({ m }), given), want, why);
});

test('an answer is to what is open, and what was decided stays decided', () => {
  const table = [
    ['1110_.----', [4], '1', '11101.----'],
    ['1110_.----', [4], '0', '11100.----'],
    ['11110.---_', [9], '1', '11110.----'],
    ['11110.---_', [9], '0', '11110.---0'],
    ['11110.--0_', [9], '1', '11110.--0-'],
    ['10_00.----', [2], '1', '10100.----'],
    ['1___0.-1--', [1, 2, 3], '0', '10000.-1--'],
    ['1___0.-1-_', [1, 2, 3], '1', '11110.----'],
  ];
  for (const [c, open, choice, want] of table) assert.equal(fill(c, open, choice), want, `${c} ${choice}`);
});

test('a decision about one thing brings back no grant that a signal overrules', () => {
  const table = [
    ['11111.----', false, 0, '11111.----'],
    ['11111.---1', true, 0, '111__.---_'],
    ['11111.--11', true, 0, '111__.--1_'],
    ['11111.---1', true, 1, '11111.---1'],
    ['11100.----', true, 0, '11100.----'],
  ];
  for (const [c, signal, s, want] of table) assert.equal(standing(decision(c, { s }), signal), want, `${c} ${signal} ${s}`);
  assert.equal(standing(undefined, true), '1----.----');
});

test('it does not prolong what was granted before', () => {
  const before = decision('11000.----', { u: now + 500 });
  const half = 15552000;
  const table = [
    ['11000.---1', now + 500, now + half],
    ['11111.----', now + 500, undefined],
    ['10001.----', now + half, undefined],
    ['10000.----', now + half, undefined],
  ];
  for (const [c, u, w] of table) {
    const got = holdPart(boot(), c, now, before);
    assert.deepEqual([got.u, got.w], [u, w], c);
  }
  assert.equal(holdPart(boot(), '11111.----', now, decision('11111.----', { u: now - 1 })).u, now + half, 'what has ended is given anew');
});

test('a signal that came later is an opt-out where the law says so, and is recorded once', () => {
  const table = [
    // models, binding, decision, what it makes of it
    ['-oooo', 0, decision('11111.----'), '11100.----', 'opt-out law'],
    ['-oooo', 0, decision('1----.----', { e: 'i' }), '1--00.----', 'also after a notice was read'],
    ['-oooo', 0, decision('11111.---1'), '11100.----', 'no vendor is left out'],
    ['-oooo', 0, decision('11100.---1'), '11100.----', 'nor one that was granted alone'],
    ['-oooo', 0, decision('11100.----'), undefined, 'what is refused already'],
    ['-oooo', 0, decision('11111.----', { s: 1 }), undefined, 'a yes under the signal, after the notice'],
    ['-iiii', 0, decision('11111.----'), undefined, 'opt-in law: it holds while it is on'],
    ['-iiii', 1, decision('11111.----'), '11100.----', 'California, though the site asks first'],
    ['-iiii', 1, decision('11_11.--0-'), '11_00.--0-', 'all else stays'],
    ['-nnno', 0, decision('11111.----'), '11110.----', 'category by category'],
    ['-nnnn', 0, decision('11111.----'), undefined, 'no law of opt-out'],
    ['-----', 0, decision('11111.----'), undefined, 'no law at all'],
  ];
  for (const [m, b, given, want, why] of table) {
    const at = boot({ m, ...(b ? { b: 1 } : {}) });
    assert.equal(overrule(at, given), want, why);
    if (want) assert.equal(overrule(at, decision(want, { s: 1 })), undefined, 'once: ' + why);
    if (want) assert.equal(overrule(at, decision(want)), undefined, 'once, and the signal is not remembered: ' + why);
  }
});

test('an opt-out is said to be honored only while a signal is on, and marketing off', () => {
  const under = (c, signal, s) => honored({ now: resolve(boot(), decision(c, { s }), signal), signal });
  assert.deepEqual([under('11111.----', true, 0), under('11111.----', true, 1), under('11111.----', false, 0), under('11100.---1', true, 1), under('11100.----', false, 0)], [true, false, false, false, false]);
  assert.equal(under('11100.----', true, 1), true);
});
