import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portable, report } from '../../src/gate/report.ts';
import { draft } from '../../src/gate/send.ts';

const decision = (p, more = {}) => ({ v: 1, c: '10000.----', n: '0123456789abcdef', a: 100, u: 200, s: 0, e: 'e', p, ...more });
const sent = (id) => ({ id, token: 'token' });

/** A page that holds a decision, and a server that answers as it is told; timers fire when the test says. */
const world = (answers, first) => {
  const w = { decision: first, receipts: [], bodies: [], waits: [] };
  globalThis.fetch = async (url, init) => {
    assert.equal(url, 'https://c.example/v1/sites/shop/decisions');
    assert.deepEqual([init.method, init.keepalive, init.credentials, init.headers['content-type']], ['POST', true, 'include', 'application/json']);
    w.bodies.push(JSON.parse(init.body));
    const answer = answers.shift();
    if (typeof answer === 'function') await answer();
    if (!answer || typeof answer === 'function') throw new TypeError('Failed to fetch');
    return new Response(...answer);
  };
  globalThis.setTimeout = (f, ms) => void w.waits.push([f, ms]);
  w.send = report('https://c.example', {
    get: () => w.decision,
    put: (next, text) => {
      w.decision = next;
      w.receipts.push(text);
    },
    drop: () => void (w.dropped = true),
    answer: (sent) => (sent.id === w.gone?.id ? w.gone.answer : undefined),
  });
  return w;
};
const receipt = (id, given = 1e6) => [JSON.stringify({ id, core: { given_at: given, valid_until: 2 * given } }), { status: 201 }];

test('a draft says what was asked and nothing else', () => {
  const d = draft({ t: 'token' }, '1-10-.-0-1', 'save', 'settings', 'earlier');
  assert.deepEqual(d.categories, { analytics: true, marketing: false });
  assert.deepEqual(d.vendors, { video: false, ads: true });
  assert.deepEqual([d.token, d.action, d.surface, d.previous, d.gpc, d.dnt], ['token', 'save', 'settings', 'earlier', false, false]);
  assert.match(d.id, /^[\w-]{4,64}$/);
  assert.ok(Math.abs(Date.now() - parseInt(d.id)) < 6e4, 'it begins with the moment, by which the server’s index is in order');
  assert.notEqual(d.id, draft({ t: 'token' }, '1-10-.-0-1', 'save', 'settings', undefined).id);
  assert.ok(!('previous' in JSON.parse(JSON.stringify(draft({ t: 'token' }, '1-10-.-0-1', 'save', 'settings', undefined)))));
});

test('an answer ends the report, with the server’s times', async () => {
  const w = world([receipt('r1')], decision([sent('a')]));
  await w.send();
  assert.deepEqual(w.decision, { v: 1, c: '10000.----', n: '0123456789abcdef', a: 1000, u: 2000, s: 0, e: 'e', r: 'r1' });
  assert.deepEqual(w.receipts, [receipt('r1')[0]]);
  await w.send();
  assert.equal(w.bodies.length, 1);
});

test('one that is on its way already is not sent a second time', async () => {
  const w = world([], decision([sent('a')]));
  w.gone = { id: 'a', answer: Promise.resolve(new Response(...receipt('r1'))) };
  await w.send();
  assert.deepEqual([w.bodies.length, w.decision.r], [0, 'r1']);
});

test('several go in order, each with the receipt of the one before', async () => {
  const w = world([receipt('r1'), receipt('r2'), receipt('r3')], decision([sent('a'), sent('b'), sent('c')]));
  await w.send();
  assert.deepEqual(w.bodies.map((b) => [b.id, b.previous]), [['a', undefined], ['b', 'r1'], ['c', 'r2']]);
  assert.equal(w.decision.r, 'r3');
});

test('no answer, or one that is none, is tried again a few times', async () => {
  for (const answer of [undefined, ['no', { status: 500 }], ['<html>', { status: 201 }], ['{}', { status: 201 }], ['{"id":7}', { status: 201 }], ['null', { status: 201 }], ['{"id":"r"}', { status: 200 }], ['', { status: 429 }], ['', { status: 408 }], ['', { status: 425 }], ['', { status: 503 }]]) {
    const w = world([answer, answer, answer, answer], decision([sent('a')]));
    await w.send();
    while (w.waits.length) await w.waits.shift()[0]();
    assert.equal(w.bodies.length, 4, JSON.stringify(answer));
    assert.deepEqual(w.decision.p, [sent('a')]);
    assert.ok(w.bodies.every((b) => b.id === 'a'));
  }
});

test('a refusal for good ends it without a receipt', async () => {
  for (const status of [400, 403, 404, 409, 413, 422]) {
    const w = world([['{}', { status }]], decision([sent('a')]));
    await w.send();
    assert.deepEqual([w.decision.p, w.decision.r, w.decision.a, w.waits.length], [undefined, undefined, 100, 0], String(status));
    assert.equal(w.dropped, undefined, 'a no is kept');
  }
  const granted = world([['{}', { status: 409 }]], decision([sent('a')], { c: '10010.----' }));
  await granted.send();
  assert.equal(granted.dropped, true, 'a yes without evidence is asked again');
});

test('a decision made while another is on its way waits for it', async () => {
  let arrive;
  const w = world([() => new Promise((done) => (arrive = done)), receipt('r1'), receipt('r2')], decision([sent('a')]));
  const first = w.send();
  w.decision = decision([sent('a'), sent('b')], { c: '11111.----' });
  await w.send();
  assert.equal(w.bodies.length, 1);
  arrive();
  await first;
  await w.waits.shift()[0]();
  assert.deepEqual(w.bodies.map((b) => b.id), ['a', 'a', 'b']);
  assert.deepEqual([w.decision.c, w.decision.r], ['11111.----', 'r2']);
});

test('a note that was read leaves the decision in force as it is', async () => {
  const note = { ...sent('n'), surface: 'change', previous: 'r0' };
  const alone = world([receipt('rn')], decision([note], { r: 'r0', k: 150 }));
  await alone.send();
  const { p: _, ...left } = decision(undefined, { r: 'r0', k: 150 });
  assert.deepEqual(alone.decision, left);
  assert.deepEqual([alone.receipts, alone.dropped], [[''], undefined]);

  const after = world([receipt('r1'), receipt('rn')], decision([sent('a'), note]));
  await after.send();
  assert.deepEqual([after.decision.r, after.decision.a, after.decision.p], ['r1', 1000, undefined]);
  assert.equal(after.bodies[1].previous, 'r0');

  const between = world([receipt('rn'), receipt('r1')], decision([note, { ...sent('a'), previous: 'r0' }], { r: 'r0' }));
  await between.send();
  assert.deepEqual([between.bodies[1].previous, between.decision.r], ['r0', 'r1']);

  const refused = world([['', { status: 400 }]], decision([note], { c: '11111.----', r: 'r0' }));
  await refused.send();
  assert.deepEqual([refused.decision.r, refused.decision.p, refused.dropped], ['r0', undefined, undefined], 'a yes does not hang on it');
});

test('a refusal that rests longer than the grants is kept so', async () => {
  const w = world([[JSON.stringify({ id: 'r1', core: { given_at: 1e6, valid_until: 2e6, refusals_until: 3e6 } }), { status: 201 }]], decision([sent('a')], { w: 9 }));
  await w.send();
  assert.deepEqual([w.decision.u, w.decision.w], [2000, 3000]);
  const none = world([receipt('r1')], decision([sent('a')], { w: 9 }));
  await none.send();
  assert.equal(none.decision.w, undefined);
});

test('a vendor that was not asked about is sent as open', () => {
  assert.deepEqual(draft({ t: 'token' }, '1-_1-.---_', 'save', 'placeholder').open, ['ads']);
  assert.deepEqual(draft({ t: 'token' }, '1-_1-.---_', 'save', 'placeholder').categories, { marketing: true });
  assert.ok(!('open' in draft({ t: 'token' }, '1__1_._---', 'save', 'settings')), 'what is necessary is not asked');
});

test('what was on by law is no consent to take along', () => {
  const models = { preferences: 'notice', analytics: 'opt-out', marketing: 'opt-in', social: 'opt-in' };
  assert.equal(portable('11111.--1-', models), '1--11.--1-');
  assert.equal(portable('10010.----', models), '10010.----');
  assert.equal(portable('1---_.---_', models), '1--__.---_', 'what was left unanswered where the law asks first is open');
  assert.equal(portable('11111.----', models, 1), '11111.----', 'a yes against a signal is the visitor’s own');
  assert.equal(portable('1----.----', models, 1), '1--__.----');
});
