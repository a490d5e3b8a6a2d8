// One controller with two domains: a choice made on one goes along to the other, and nobody else can bring one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready } from '../browser/harness.mjs';
import { asked, wait, world } from './world.mjs';

const s = world({ also: ['outlet.test'], more: () => '\n[share]\ndomains = true\n' });
const outlet = (path = '/?region=DE') => `http://outlet.test:${s.shop.port}${path}`;
const posts = (page) => page.context().asked.filter((what) => what.startsWith('POST')).length;
const said = (page) => page.locator('volenti-status [role=status]').textContent();

/** A visitor of the shop who has answered there. Shop and outlet each have the server under a path of their own. */
const decided = async (answer) => {
  s.place('path');
  const page = await s.open('/?region=DE');
  await press(page, answer);
  const core = await s.receipt(page);
  if (answer === 'accept') await wait(() => s.vendors.hits.length >= 5, 'the tags');
  await quiet();
  s.vendors.hits.length = 0;
  return [page, core];
};

/** Puts a link into the page, and follows it as a visitor does. */
const follow = async (page, href, how = (link) => link.click()) => {
  await page.evaluate((href) => {
    const a = Object.assign(document.createElement('a'), { href, textContent: 'Elsewhere', id: 'elsewhere' });
    document.body.prepend(a);
  }, href);
  const link = page.locator('#elsewhere');
  // Whoever is about to press it points at it, and the hand-over comes meanwhile.
  const ahead = page.waitForResponse((r) => r.url().includes('/handover')).catch(() => undefined);
  await link.focus();
  await ahead;
  await quiet(50);
  await how(link);
};

test('a yes goes along with a link, and is recorded there as what it is', async () => {
  const [page, first] = await decided('accept');
  await follow(page, outlet());
  await page.waitForURL(outlet());
  await ready(page);
  await wait(() => s.vendors.hits.includes('/g/collect'), 'the tags');
  const core = await s.receipt(page);
  assert.deepEqual([core.action, core.surface, core.state, core.basis, core.previous], ['share', 'share', 'given', 'explicit', first.id]);
  assert.deepEqual([core.given_at, core.valid_until, core.categories], [first.given_at, first.valid_until, first.categories]);
  assert.equal(await asked(page), false);
  await wait(async () => (await said(page)) === 'Your choice of www.shop.test counts here too.', 'the word');
  assert.equal(await page.evaluate(() => location.href.includes('volenti')), false);
  await page.reload();
  await ready(page);
  await quiet();
  assert.deepEqual([await asked(page), posts(page)], [false, 2], 'at the next page nothing is recorded again');
  assert.deepEqual(page.thrown, []);
});

test('a no goes along too, and where it leads the page keeps its place', async () => {
  const [page] = await decided('reject');
  await follow(page, outlet('/film?region=DE#reviews'));
  await page.waitForURL(outlet('/film?region=DE#reviews'));
  await wait(async () => (await s.receipt(page)).action === 'share', 'the record');
  await quiet();
  assert.equal(await asked(page), false);
  assert.deepEqual(s.vendors.hits, []);
});

test('what was taken over can be taken back', async () => {
  const [page] = await decided('accept');
  await follow(page, outlet());
  await page.waitForURL(outlet());
  await page.locator('volenti-status [data-volenti=undo]').click();
  await control(page, 'reject').waitFor();
  assert.equal(await page.evaluate(() => volenti.state.categories.analytics), false);
});

test('a withdrawal goes back the same way, and the newer of two decisions counts', async () => {
  const [page] = await decided('accept');
  await follow(page, outlet());
  await page.waitForURL(outlet());
  const there = await s.receipt(page);
  await page.waitForTimeout(1100); // decisions are told apart by the second
  await page.evaluate(() => volenti.withdraw());
  await wait(async () => (await s.receipt(page)).action === 'withdraw', 'the withdrawal');
  await follow(page, s.origin + '/?region=DE');
  await page.waitForURL(s.origin + '/?region=DE');
  await wait(async () => (await s.receipt(page)).action === 'share', 'the record');
  assert.equal((await s.receipt(page)).state, 'refused');
  assert.equal(await page.evaluate(() => volenti.state.categories.analytics), false);
  // Back again, and there the withdrawal is known already.
  const before = posts(page);
  await follow(page, outlet());
  await page.waitForURL(outlet());
  await ready(page);
  await quiet();
  assert.deepEqual([posts(page), (await s.receipt(page)).state, there.state], [before, 'withdrawn', 'given']);
});

test('an older yes does not outdo a newer no', async () => {
  const [page] = await decided('accept');
  await page.waitForTimeout(1100);
  const other = await page.context().newPage();
  await other.goto(outlet());
  await press(other, 'reject');
  await s.receipt(other);
  const before = posts(page);
  await follow(page, outlet());
  await page.waitForURL(outlet());
  await ready(page);
  await quiet();
  assert.deepEqual([posts(page), (await s.receipt(page)).state, s.vendors.hits.length], [before, 'refused', 0]);
});

for (const [name, own, how] of [
  ['the keyboard', false, (link) => link.press('Enter')],
  ['a click for a tab of its own', true, async (link) => {
    await link.evaluate((a) => (a.target = '_blank'));
    await link.click();
  }],
])
  test(`links followed by ${name} take it along, and the link is as it was`, async () => {
    const [page] = await decided('accept');
    const opened = own ? page.context().waitForEvent('page') : page;
    await follow(page, outlet(), how);
    const there = await opened;
    await there.waitForURL(outlet(), { waitUntil: 'commit' });
    await wait(async () => (await s.receipt(there)).action === 'share', 'the record');
    if (own) assert.equal(await page.locator('#elsewhere').getAttribute('href'), outlet());
  });

// The headless browser opens a tab for these sometimes, and sometimes none: what it read of the link is what counts.
for (const [name, press] of Object.entries({ 'the middle button': { button: 'middle' }, 'a click with Control': { modifiers: ['ControlOrMeta'] } }))
  test(`links followed by ${name} take it along, and not their copies`, async () => {
    const [page] = await decided('accept');
    await page.evaluate(() => ['click', 'auxclick'].forEach((type) => addEventListener(type, (e) => (window.seen = e.target.href))));
    await follow(page, outlet('/?region=DE#top'), (link) => link.click(press));
    await wait(() => page.evaluate(() => window.seen), 'the click');
    assert.match(await page.evaluate(() => window.seen), /#top&volenti=h1\./);
    await wait(async () => (await page.locator('#elsewhere').getAttribute('href')) === outlet('/?region=DE#top'), 'the link as it was');
  });

test('where nothing was decided, links are plain', async () => {
  s.place('path');
  const page = await s.open('/?region=DE');
  await control(page, 'reject').waitFor();
  await page.evaluate(() => addEventListener('click', (e) => (window.seen = e.target.href, e.preventDefault())));
  await page.evaluate((href) => document.body.prepend(Object.assign(document.createElement('a'), { href, textContent: 'Elsewhere', id: 'elsewhere' })), outlet());
  await page.locator('#elsewhere').click();
  assert.deepEqual([await page.evaluate(() => window.seen), page.context().asked.filter((what) => what.includes('handover'))], [outlet(), []]);
});

/** The hand-over that a page of the shop would add to a link to the outlet. */
const token = (page) =>
  page.evaluate(async (to) => (await (await fetch('/consent/v1/sites/shop/handover?to=' + encodeURIComponent(to), { credentials: 'include' })).json()).token, new URL(outlet()).origin);

test('a stranger’s link brings no consent', async () => {
  const [page] = await decided('accept');
  const genuine = await token(page);
  assert.match(genuine, /^h1\./);
  const victim = await s.visitor();
  const stranger = await victim.newPage();
  await stranger.goto(`http://stranger.test:${s.shop.port}/plain`).catch(() => {});
  await stranger.evaluate((href) => location.assign(href), outlet() + '#volenti=' + genuine);
  await stranger.waitForURL(outlet());
  await control(stranger, 'reject').waitFor();
  await quiet();
  assert.deepEqual([posts(stranger), s.vendors.hits.length], [0, 0]);
  // Nor is one taken that was typed, or stands in a bookmark.
  const typed = await victim.newPage();
  await typed.goto(outlet() + '#volenti=' + genuine);
  await control(typed, 'reject').waitFor();
  await quiet();
  assert.deepEqual([posts(typed), s.vendors.hits.length], [0, 0]);
});

for (const [name, forge] of Object.entries({
  forged: (t) => t.slice(0, -2) + (t.endsWith('AA') ? 'BB' : 'AA'),
  'of other choices': (t) => t.replace(/\.1000~|\.1111~/, (c) => (c === '.1000~' ? '.1111~' : '.1000~')),
  'for another domain': (t) => t.split('.').with(3, btoa(s.origin).replace(/=+$/, '')).join('.'),
}))
  test(`a hand-over that is ${name} is refused, and the visitor is asked`, async () => {
    const [page] = await decided('accept');
    const wrong = forge(await token(page));
    await page.evaluate((href) => location.assign(href), outlet() + '#volenti=' + wrong);
    await page.waitForURL(outlet());
    await control(page, 'reject').waitFor();
    await quiet();
    assert.deepEqual(s.vendors.hits, []);
    assert.equal(await page.evaluate(() => localStorage.volenti), undefined);
    assert.deepEqual(page.thrown, []);
  });

test('a hand-over brings one record: a second browser gets nothing', async () => {
  const [page] = await decided('accept');
  const genuine = await token(page);
  const go = async (from) => {
    await from.evaluate((href) => location.assign(href), outlet() + '#volenti=' + genuine);
    await from.waitForURL(outlet());
  };
  await go(page);
  await wait(async () => (await s.receipt(page)).action === 'share', 'the record');
  await page.close();
  await quiet();
  s.vendors.hits.length = 0;
  const second = await s.open('/?region=DE');
  await go(second);
  await control(second, 'reject').waitFor();
  await quiet();
  assert.equal(await second.evaluate(() => localStorage.volenti), undefined);
  assert.deepEqual(s.vendors.hits, []);
});

test('the banner and the settings say where a choice counts', async () => {
  s.place('path');
  const page = await s.open('/?region=DE');
  await control(page, 'reject').waitFor();
  const says = /counts on all websites of Shop Inc\.: www\.shop\.test, shop\.test, localhost, outlet\.test/;
  assert.match(await page.locator('volenti-banner').textContent(), says);
  await press(page, 'settings');
  await page.locator('dialog [data-volenti=save]').waitFor();
  assert.match(await page.evaluate(() => document.querySelector('dialog > div').shadowRoot.textContent), says);
});
