// A visitor who comes back, and what poses as one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ran, ready } from '../browser/harness.mjs';
import { edit, open, sign } from './cookie.mjs';
import { asked, wait, world } from './world.mjs';

const s = world();
const cookie = async (context) => (await context.cookies()).find((c) => c.name === 'volenti');
const part = { site: 1, notice: 3, decided: 4, ends: 5, choices: 7 };
const seconds = (ahead) => Math.floor(Date.now() / 1000 + ahead).toString(36);

/** The cookie of a visitor who said yes to everything. */
const yes = async () => {
  const visitor = await s.visitor();
  const page = await s.open('/?region=DE', visitor);
  await press(page, 'accept');
  await s.receipt(page);
  const kept = await cookie(visitor);
  await visitor.close(); // nothing of what was allowed there is still on its way
  return kept;
};

test('the server sets one small cookie: first-party, Lax, for as long as the decision holds', async () => {
  for (const answer of ['accept', 'reject']) {
    const visitor = await s.visitor();
    const page = await s.open('/?region=DE', visitor);
    const answered = page.waitForResponse((r) => r.request().method() === 'POST');
    await press(page, answer);
    const header = await (await answered).headerValue('set-cookie');
    const core = await s.receipt(page);
    const [pair, ...attributes] = header.split('; ');
    assert.deepEqual(attributes.map((a) => a.replace(/=\d+$/, '')).sort(), ['Domain=shop.test', 'Max-Age', 'Path=/', 'SameSite=Lax']);
    const value = pair.slice('volenti='.length);
    const said = open(value);
    assert.ok(said.join('.').length <= 200, said.join('.'));
    assert.ok(value.length <= 300, `${value.length} bytes with time and signature`);
    assert.equal(said[part.choices], answer === 'accept' ? '1111' : '1000');
    const got = await cookie(visitor);
    assert.deepEqual([got.sameSite, got.httpOnly, got.domain, got.path, got.secure], ['Lax', false, '.shop.test', '/', false]);
    assert.ok(Math.abs(got.expires * 1000 - core.valid_until) < 60_000, 'it ends with the decision');
    assert.ok(!header.includes(core.region + '.') && !value.includes('127'), 'it says nothing of the visitor');
  }
});

test('who decided gets a smaller script without the first layer, and is not asked', async () => {
  const size = async (headers) => (await (await fetch(`${s.server.base}/b/shop.js?region=DE`, { headers })).text()).length;
  const first = await size({});
  for (const answer of ['accept', 'reject']) {
    const visitor = await s.visitor();
    const page = await s.open('/?region=DE', visitor);
    await press(page, answer);
    await s.receipt(page);
    const again = { cookie: 'volenti=' + (await cookie(visitor)).value };
    assert.ok((await size(again)) < first / 2, 'less than half');
    assert.ok(!(await (await fetch(`${s.server.base}/b/shop.js?region=DE`, { headers: again })).text()).includes('volenti-banner'));
    await page.goto(s.origin + '/film?region=DE');
    await ready(page);
    await page.locator('volenti-reopen button').waitFor();
    await quiet();
    assert.equal(await asked(page), false);
  }
});

test('the cookie alone is enough, where the browser has lost what the page kept', async () => {
  const { value } = await yes();
  const visitor = await s.visitor();
  await visitor.addCookies([{ name: 'volenti', value, domain: '.shop.test', path: '/' }]);
  const page = await s.open('/slow?region=DE', visitor);
  await wait(async () => (await ran(page)).join('') === 'ABCD', 'the tags');
  assert.equal(await asked(page), false);
});

test('a cookie that the server would not have set is worth nothing: the visitor is asked, everything is off', async () => {
  const { value } = await yes();
  const said = open(value);
  const change = (i, to) => said.with(i, to);
  // The counter-check: what this test signs is taken, when it says what is true.
  const fair = await fetch(`${s.server.base}/b/shop.js?region=DE`, { headers: { cookie: 'volenti=' + sign(s.server, said) } });
  assert.match(await fair.text(), /"c":"1111\./);

  for (const [name, bad] of Object.entries({
    'with another signature': value.replace(/.{6}$/, (end) => [...end].reverse().join('')),
    'made up': 'MTIzfGFiY3xkZWY=',
    'not even base64': '%%%',
    'of a no, edited into a yes': edit(sign(s.server, change(part.choices, '1000')), (p) => p.with(part.choices, '1111')),
    'edited to last longer': edit(sign(s.server, change(part.ends, seconds(-60))), (p) => p.with(part.ends, seconds(9e6))),
    'that has expired': sign(s.server, change(part.ends, seconds(-60))),
    'from the future': sign(s.server, change(part.decided, seconds(86400))),
    'under a notice that never was': sign(s.server, change(part.notice, '0'.repeat(16))),
    'of another site': sign(s.server, change(part.site, 'other')),
  })) {
    s.vendors.hits.length = 0;
    const visitor = await s.visitor();
    await visitor.addCookies([{ name: 'volenti', value: bad, domain: '.shop.test', path: '/' }]);
    const page = await s.open('/slow?region=DE', visitor);
    await control(page, 'reject').waitFor();
    await quiet(300);
    assert.deepEqual(await ran(page), [], name);
    assert.deepEqual(s.vendors.hits, [], name);
    assert.deepEqual(await page.evaluate(() => [volenti.state.decided, volenti.state.categories.analytics]), [false, false], name);
    await press(page, 'reject');
    assert.equal((await s.receipt(page)).state, 'refused', name);
    assert.deepEqual(page.thrown, [], name);
  }
});

test('a yes is asked again once its time is over, though the page keeps it too', async () => {
  const visitor = await s.visitor();
  const page = await s.open('/slow?region=DE', visitor);
  await press(page, 'accept');
  await s.receipt(page);
  const { value } = await cookie(visitor);
  await visitor.addCookies([{ name: 'volenti', value: sign(s.server, open(value).with(part.ends, seconds(-5))), domain: '.shop.test', path: '/' }]);
  await page.evaluate(() => localStorage.setItem('volenti', JSON.stringify({ ...JSON.parse(localStorage.getItem('volenti')), u: Math.floor(Date.now() / 1000) - 5 })));
  const loaded = s.vendors.hits.length;
  await page.goto(s.origin + '/slow?region=DE&later'); // another address of the script: nothing of it is in the cache
  await control(page, 'reject').waitFor();
  await quiet();
  assert.equal(s.vendors.hits.length, loaded);
});
