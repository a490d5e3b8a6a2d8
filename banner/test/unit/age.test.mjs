import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { asked, grants, mature } from '../../src/gate/age.ts';
import { inForce } from '../../src/gate/decide.ts';
import { draft } from '../../src/gate/send.ts';

const now = 1_800_000_000;
const boot = (more = {}) => ({ t: 'token', m: '-iiii', n: now - 300, ...more });
const decision = (c, more = {}) => ({ v: 1, c, n: '0123456789abcdef', a: now - 100, u: now + 1000, s: 0, e: 'e', ...more });

afterEach(() => (globalThis.minimumAge = 0));

test('the region says how old, else the notice does', () => {
  globalThis.minimumAge = 13;
  assert.equal(asked(boot({ y: 16 })), 16);
  assert.equal(asked(boot()), 13);
});

test('only what is optional is a grant', () => {
  for (const [c, want] of [['10000.----', false], ['1----.----', false], ['11000.----', true], ['10000.---1', true], ['1____.____', false], [undefined, false]]) assert.equal(grants(c), want, c);
});

test('a grant below the age that is asked is open, a refusal stands', () => {
  const table = [
    [undefined, 16, '1__0-.-_0-'],
    [0, 16, '1__0-.-_0-'],
    [15, 16, '1__0-.-_0-'],
    [16, 16, '1110-.-10-'],
    [18, 16, '1110-.-10-'],
  ];
  for (const [y, want, c] of table) assert.equal(mature(boot({ y: want }), decision('1110-.-10-', { y })).c, c, `${y} where ${want} is asked`);
});

test('what the page keeps counts as far as its age does, and what the server answered counts', () => {
  globalThis.minimumAge = 13;
  assert.equal(inForce(boot({ y: 16 }), decision('11111.----', { y: 15 }), true, now).c, '1____.----');
  assert.equal(inForce(boot({ y: 16 }), decision('11111.----', { y: 16 }), true, now).c, '11111.----');
  const baked = inForce(boot({ y: 16, c: '11111.----', a: now - 50, u: now + 1000 }), undefined, true, now);
  assert.deepEqual([baked.c, baked.y], ['11111.----', 16]);
  globalThis.minimumAge = 0;
  assert.equal(inForce(boot(), decision('11111.----'), true, now).c, '11111.----', 'where nobody is asked');
});

test('an age is said with a grant of one’s own, and with nothing else', () => {
  globalThis.minimumAge = 13;
  const table = [
    ['11111.----', 'accept_all', 16],
    ['10000.---1', 'save', 16],
    ['10000.----', 'reject_all', undefined],
    ['11110.----', 'signal', undefined],
    ['11111.----', 'share', undefined],
  ];
  for (const [c, action, want] of table) assert.equal(draft(boot({ y: 16 }), c, action, 'banner', undefined).of_age, want, action);
  globalThis.minimumAge = 0;
  assert.equal('of_age' in draft(boot(), '11111.----', 'accept_all', 'banner', undefined), false);
});
