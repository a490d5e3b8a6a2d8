import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as gtag from '../../src/adapters/gtag.ts';
import { known } from '../../src/gate/head.ts';
import { parse } from '../../src/gate/remember.ts';
import { signalOn } from '../../src/gate/signals.ts';
import { allows, marks } from '../../src/gate/tags.ts';
import { domains, matches, paths } from '../../src/gate/withdraw.ts';

const element = (category, service) => ({ dataset: { category, service } });

test('an element may load if its category and its vendor may', () => {
  const table = [
    ['11111.1111', 'marketing', null, true],
    ['11101.1111', 'marketing', null, false],
    ['10000.1000', 'necessary', null, true],
    ['11111.1110', 'marketing', 'ads', false],
    ['11101.1111', 'marketing', 'ads', true], // granted alone
    ['11111.1111', 'analytics', 'ads', true],
    ['11011.1111', 'analytics', 'ads', false], // marked with another category than the vendor's: both must be granted
    ['11111.1110', 'analytics', 'ads', false],
    ['11111.1111', 'marketing', 'unheard-of', false],
    ['11111.1111', 'unheard-of', null, false],
    ['11111.1111', 'Marketing', null, false],
    ['11111.1111', '', null, false],
    ['11111.1111', 'constructor', null, false],
    ['11111.1111', 'marketing', '', true],
    ['10110.1011', 'analytics marketing', null, true], // both
    ['10100.1010', 'analytics, marketing', null, false],
    ['10110.1011', 'analytics unheard-of', null, false],
    ['10101.1011', 'analytics marketing', 'ads', true],
    ['10010.1001', 'analytics marketing', 'ads', false],
    ['10010.1001', 'marketing necessary', null, true],
    ['', 'marketing', null, false],
    ['.', 'marketing', 'ads', false],
  ];
  for (const [now, category, service, want] of table) assert.equal(allows(now || '.', element(category, service)), want, `${now} ${category} ${service}`);
  assert.equal(marks(element('unheard-of')), undefined);
});

test('a signal counts only as it is defined', () => {
  const under = (value, boot = {}, doNotTrack = '0') => {
    Object.defineProperty(globalThis, 'navigator', { value: { globalPrivacyControl: value, doNotTrack }, configurable: true });
    return signalOn(boot);
  };
  assert.deepEqual([true, 'true', 1, '1', undefined, false].map((value) => under(value)), [true, false, false, false, false, false]);
  assert.ok(under(undefined, { g: 1 }));
  assert.ok(under(undefined, { d: 1 }));
  assert.ok(under(undefined, { o: 1 }));
  assert.ok(under(undefined, {}, '1') && !under(undefined, {}, 'yes'), 'Do Not Track, where the notice takes it for an opt-out');
});

test('where the server judges, its answer counts for the decision that the browser keeps, and for no signal it did not see', () => {
  const c = '1101-.11--';
  const keeping = (kept, boot, signal) => {
    Object.defineProperty(globalThis, 'localStorage', { value: { volenti: kept, getItem: () => kept }, configurable: true });
    return known({ c, q: '11010.1100', ...boot }, signal);
  };
  const same = JSON.stringify({ v: 1, c, n: 'x' });
  const other = JSON.stringify({ v: 1, c: '1000-.00--', n: 'x' });
  const none = '10000.1000';
  for (const [kept, boot, signal, want, why] of [
    [same, {}, false, '11010.1100', 'the same decision'],
    [same, { q: undefined }, false, none, 'told nothing'],
    [other, {}, false, none, 'another decision: the answer is a cached one'],
    [null, {}, false, none, 'nothing is kept'],
    [same, {}, true, none, 'a signal that only the page has'],
    [same, { g: 1 }, true, '11010.1100', 'a signal that the server has seen'],
    [same, { d: 1 }, true, '11010.1100', 'Do Not Track that the server has seen'],
    [other, { g: 1 }, true, none, 'both'],
  ])
    assert.equal(keeping(kept, boot, signal), want, why);
  Object.defineProperty(globalThis, 'localStorage', { get: () => { throw new Error('denied'); }, configurable: true });
  assert.equal(known({ c, q: '11010.1100' }, false), none, 'storage can\'t be read');
});

test('declared names are compared, not interpreted', () => {
  assert.ok(matches('_ga', '_ga') && !matches('_ga', '_gat') && !matches('_g.', '_ga') && !matches('_ga', '_g'));
  assert.ok(matches('_ga_*', '_ga_X') && matches('_ga_*', '_ga_') && !matches('_ga_*', '_ga'));
  assert.ok(matches('(a+)+$*', '(a+)+$b') && matches('*', 'anything'));
});

test('all paths and domains are tried', () => {
  assert.deepEqual(paths('/'), ['/']);
  assert.deepEqual(paths('/a'), ['/', '/a']);
  assert.deepEqual(paths('/a/'), ['/', '/a', '/a/']);
  assert.deepEqual(paths('/a/b/c.html'), ['/', '/a', '/a/', '/a/b', '/a/b/', '/a/b/c.html']);
  assert.deepEqual(domains('localhost'), ['']);
  assert.deepEqual(domains('www.shop.example'), ['', ';domain=www.shop.example', ';domain=shop.example']);
});

test('only a whole decision is read from text', () => {
  const good = { v: 1, c: '10000.----', n: '0123456789abcdef', a: 1, u: 2, s: 0, e: 'e' };
  assert.equal(parse(JSON.stringify(good)).c, good.c);
  for (const change of [{ v: 2 }, { v: '1' }, { c: '1' }, { c: null }, { a: '1' }, { a: null }, { u: undefined }, { u: 1e999 }])
    assert.equal(parse(JSON.stringify({ ...good, ...change })), undefined, JSON.stringify(change));
  for (const text of [undefined, null, '', '{', 'null', '7', '[]', '"x"', '{"__proto__":' + JSON.stringify(good) + '}', 7, {}]) assert.equal(parse(text), undefined, String(text));
});

test('Consent Mode is told what holds for all categories of a kind', () => {
  // An element of that id is found on the prototype.
  Object.setPrototypeOf(window, { dataLayer: { id: 'dataLayer' } });
  gtag.start('11110.1111');
  gtag.change('11111.1111');
  gtag.change('10000.1000');
  const commands = window.dataLayer.map((entry) => [...entry]);
  assert.equal(Object.prototype.toString.call(window.dataLayer[0]), '[object Arguments]');
  assert.deepEqual(commands[0], ['consent', 'default', {
    ad_storage: 'denied', ad_user_data: 'denied', ad_personalization: 'denied', analytics_storage: 'granted',
    functionality_storage: 'granted', personalization_storage: 'granted', security_storage: 'granted', wait_for_update: 500,
  }]);
  assert.deepEqual(commands[1], ['set', 'url_passthrough', true]);
  assert.deepEqual(commands[2][2].ad_storage, 'granted');
  assert.deepEqual(new Set(Object.values(commands[3][2])), new Set(['denied', 'granted']));
  assert.deepEqual(Object.entries(commands[3][2]).filter(([, state]) => state === 'granted').map(([type]) => type), ['security_storage']);
});
