// What a receipt proves (GDPR Art. 7(1)), and for how long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, ready } from '../browser/harness.mjs';
import { policy } from './notice.mjs';
import { wait, world } from './world.mjs';

const s = world();
const policies = async () => (await (await fetch(`${s.server.base}/policies/shop/privacy/versions`, { headers: { accept: 'application/json' } })).json()).versions;

/** Checks a receipt as anybody can: with the binary, the receipt, and the published keys. */
const verify = async (text) => {
  const keys = await (await fetch(s.server.base + '/.well-known/jwks.json')).text();
  return s.server.volenti('receipt', 'verify', s.server.file('receipt.json', text), '--keys', s.server.file('jwks.json', keys));
};
/** The receipt as the visitor can take it along, once the decision in force has another one than `before`. */
const taken = async (page, before) => {
  await wait(() => page.evaluate((id) => volenti.state.receipt && volenti.state.receipt !== id, before), 'a receipt');
  return page.evaluate(() => volenti.receipt());
};

test('receipts name the policy that was in force, verify with nothing but public keys, and go on to when the key is replaced', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'accept');
  const first = await taken(page);

  s.server.volenti('policy', 'import', s.server.file('privacy.md', policy('We keep an order for ten years.')), '--site', 'shop');
  const [newest, oldest] = await policies();
  const token = async () => /"t":"1\.shop\.([^.]+)/.exec(await (await fetch(s.server.base + '/b/shop.js?region=DE')).text())[1];
  const before = JSON.parse(first).core.experience;
  await wait(async () => Buffer.from(await token(), 'base64url').toString('hex') !== before, 'the new version to be served');
  await page.goto(s.origin + '/?region=DE&later');
  await ready(page);
  await page.evaluate(() => volenti.withdraw());
  const second = await taken(page, JSON.parse(first).id);

  const [was, is] = [first, second].map((text) => JSON.parse(text).core);
  assert.deepEqual([was.policies.privacy.number, is.policies.privacy.number], [1, 2]);
  assert.deepEqual([was.policies.privacy.digest, is.policies.privacy.digest], [oldest.digest, newest.digest]);
  assert.notEqual(oldest.digest, newest.digest);
  assert.notEqual(was.experience, is.experience);
  assert.equal(is.previous, was.id);
  for (const [number, text] of [[1, 'seven years'], [2, 'ten years']])
    assert.match(await (await fetch(`${s.server.base}/policies/shop/privacy/versions/${number}`)).text(), new RegExp(text));
  for (const text of [first, second]) await verify(text);
  await assert.rejects(verify(first.replace('"granted"', '"refused"')), /does not verify/);
  assert.ok(!/127\.0\.0\.1|Mozilla|Chrome/.test(first + second), 'no address, no browser');

  s.server.volenti('key', 'rotate');
  await s.server.stop();
  await s.server.serve();
  await page.goto(s.origin + '/?region=DE&rotated');
  await ready(page);
  await page.evaluate(() => volenti.acceptAll());
  const third = await taken(page, JSON.parse(second).id);
  assert.notEqual(JSON.parse(third).key_id, JSON.parse(first).key_id);
  assert.equal(JSON.parse(third).core.previous, is.id);
  for (const text of [first, second, third]) await verify(text);
  assert.equal(await s.server.receipt('shop', was.id), first, 'the same bytes as on the day');
});

test('the log of the server says nothing about anybody', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'reject');
  const { id } = await s.receipt(page);
  const [{ value }] = await page.context().cookies();
  for (const never of ['127.0.0.1:' + s.shop.port, 'Mozilla', 'reject_all', 'refused', id, value.slice(0, 20)]) assert.ok(!s.server.log().includes(never), never);
  assert.match(s.server.log(), /route=\/v1\/sites\/:site\/decisions status=201/, 'the counter-check: it is the log of this');
});
