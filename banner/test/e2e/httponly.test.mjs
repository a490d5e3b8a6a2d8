// Cookies that no script sees go by the server's answer, where server and page share a domain.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet } from '../browser/harness.mjs';
import { wait, world } from './world.mjs';

const entry = (name) => `
[[vendor.stores]]
name = "${name}"
duration = "1 year"
http_only = true
purpose = { en = "Tells visitors apart.", de = "Unterscheidet Besucher." }
`;
const s = world({
  more: () => `
[[vendor]]
key = "hidden"
name = "Hidden Inc."
category = "marketing"
${entry('hid')}${entry('hid_*')}${entry('both')}
[[vendor]]
key = "count"
name = "Count Inc."
category = "analytics"
${entry('both')}`,
});

/** Where a vendor's server may have put them: [name, host or domain, path]. */
const places = [
  ['hid', '.shop.test', '/'],
  ['hid_1', '.shop.test', '/'],
  ['hid', 'www.shop.test', '/'],
  ['hid', '.www.shop.test', '/'],
  ['hid', 'www.shop.test', '/catalogue'],
  ['both', '.shop.test', '/'],
  ['basket', '.shop.test', '/'],
];
const text = ({ name, domain, path }) => [name, domain, path].join(' ');
const left = async (visitor) => (await visitor.cookies()).filter((c) => c.name !== 'volenti' && !c.name.startsWith('_')).map(text).sort();

/** A visitor who agreed and has all of them, and then takes the consent of some categories back. */
const withdraw = async (where, choices) => {
  s.place(where);
  const visitor = await s.visitor();
  const page = await s.open('/catalogue/lamps/?region=DE', visitor);
  await press(page, 'accept');
  await s.receipt(page);
  await visitor.addCookies(places.map(([name, domain, path]) => ({ name, value: '1', domain, path, httpOnly: true })));
  assert.equal(await page.evaluate(() => /hid|both|basket/.test(document.cookie)), false, 'no script sees them');
  await page.evaluate((c) => volenti.set(c), choices);
  await wait(async () => (await s.receipt(page)).action === 'save', 'the answer');
  return visitor;
};
const everything = { preferences: false, analytics: false, marketing: false };

test('from a sub-domain, those on the domain that both share', async () => {
  const visitor = await withdraw('sub-domain', everything);
  const want = ['basket .shop.test /', 'hid .www.shop.test /', 'hid www.shop.test /', 'hid www.shop.test /catalogue'];
  await wait(async () => (await left(visitor)).length === want.length, 'them to go');
  assert.deepEqual(await left(visitor), want, "those of the page's own host are out of the server's reach");
});

test("behind the page's own host, all of them, under the page's paths too", async () => {
  const visitor = await withdraw('path', everything);
  await wait(async () => (await left(visitor)).length === 1, 'them to go');
  assert.deepEqual(await left(visitor), ['basket .shop.test /']);
});

test('what a vendor declares that may still load stays', async () => {
  const visitor = await withdraw('path', { marketing: false });
  await wait(async () => (await left(visitor)).length === 2, 'them to go');
  assert.deepEqual(await left(visitor), ['basket .shop.test /', 'both .shop.test /']);
});

test('a foreign server reaches none, and sends none away', async () => {
  const visitor = await withdraw('foreign', everything);
  await quiet();
  assert.equal((await left(visitor)).length, places.length);
});
