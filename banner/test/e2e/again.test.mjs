// A visitor who decided before, and what has changed since: he is asked for what is new alone, and told of new policies once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready } from '../browser/harness.mjs';
import { notice, policy } from './notice.mjs';
import { asked, wait, world } from './world.mjs';

const s = world();
const clip = `
[[vendor]]
key = "clip"
name = "Clip Corner"
category = "marketing"
`;
const chat = `
[[vendor]]
key = "chat"
name = "Chat Desk"
category = "support"
`;
const support = (file) =>
  file.replace('"marketing"]', '"marketing", { key = "support", like = "preferences", label = { en = "Support", de = "Hilfe" }, about = { en = "Lets you talk to us.", de = "Damit Sie mit uns reden." } }]');

/** What loads on the shop's first page where everything is granted. */
const loaded = () => ['/g/collect', '/gtag/js', '/fbevents.js', '/tr', '/reviews.js'].every((path) => s.vendors.hits.includes(path));

let times = 1;
/** Publishes a notice and waits until it is served; the pages opened then have an address of their own for the script. */
const publish = async (file) => {
  const marked = file.replace('1 High Street', `${++times} High Street`);
  const now = async () => (await (await fetch(s.server.base + '/b/shop.js?region=DE')).text()).slice(0, -500);
  const before = await now();
  s.server.volenti('notice', 'publish', s.server.file(`notice-${times}.toml`, marked));
  await wait(async () => (await now()) !== before, 'the new notice');
};
const usual = (more = '') => notice({ origins: s.origins, more });
const again = (path = '/') => `${path}?region=DE&${times}`;

/** A visitor who answered the usual notice. */
const decided = async (answer) => {
  await publish(usual());
  const visitor = await s.visitor();
  const page = await s.open(again(), visitor);
  await press(page, answer);
  await s.receipt(page);
  if (answer === 'accept') await wait(loaded, 'the tags');
  s.vendors.hits.length = 0;
  return { visitor, page };
};
const says = (page) => page.locator('volenti-banner').first().textContent();

for (const [answer, want, action] of [['accept', 'granted', 'Accept'], ['reject', 'refused', 'Reject']])
  test(`a vendor joins a category that was granted: it alone is asked for, and held until then (${action})`, async () => {
    const { visitor } = await decided('accept');
    await publish(usual(clip));
    const page = await s.open(again(), visitor);
    await control(page, answer).waitFor();
    assert.match(await says(page), /New: Clip Corner \(Marketing\)/);
    await wait(loaded, 'what was granted before goes on meanwhile');
    assert.deepEqual(await page.evaluate(() => [volenti.state.vendors.meta, volenti.state.vendors.clip, volenti.state.categories.marketing]), [true, false, true]);
    const before = await page.evaluate(() => volenti.state.receipt);
    await press(page, answer);
    await wait(() => page.evaluate((id) => volenti.state.receipt !== id, before), 'another receipt');
    const core = await s.receipt(page);
    assert.deepEqual([core.action, core.surface, core.previous], ['save', 'banner', before]);
    assert.deepEqual(core.categories, { preferences: 'granted', analytics: 'granted', marketing: 'granted' });
    assert.deepEqual(core.vendors, { video: 'granted', ga4: 'granted', chain: 'granted', meta: 'granted', clip: want });
    const first = JSON.parse(await s.server.receipt('shop', before)).core;
    assert.equal(core.valid_until, first.valid_until, 'what was granted before is not prolonged');
    await page.goto(s.origin + again('/film'));
    await ready(page);
    await quiet();
    assert.equal(await asked(page), false, 'asked once');
    assert.equal(await page.evaluate(() => volenti.state.vendors.clip), answer === 'accept');
    assert.deepEqual(page.thrown, []);
  });

test('a category is added: whoever refused keeps that, and is asked for the new one', async () => {
  const { visitor } = await decided('reject');
  await publish(support(usual(chat)));
  const page = await s.open(again(), visitor);
  await control(page, 'accept').waitFor();
  assert.match(await says(page), /New: Support\./);
  await press(page, 'accept');
  await wait(() => page.evaluate(() => volenti.state.categories.support), 'support');
  const core = await s.receipt(page).then(async () => {
    await wait(async () => (await s.receipt(page)).categories.support === 'granted', 'its record');
    return s.receipt(page);
  });
  assert.deepEqual(core.categories, { preferences: 'refused', analytics: 'refused', marketing: 'refused', support: 'granted' });
  assert.deepEqual(s.vendors.hits, []);
});

test('nobody is asked for what does not widen anything, nor for a vendor of a category that was refused', async () => {
  const less = (file) => file.slice(0, file.indexOf('[[vendor]]\nkey = "chain"')) + file.slice(file.indexOf('[[vendor]]\nkey = "meta"'));
  for (const [answer, file, what] of [
    ['accept', () => less(usual()), 'a vendor less'],
    ['accept', () => usual('\n[wording.en]\naccept = "Accept everything"\nreject = "Reject everything"\n'), 'other words'],
    ['accept', () => usual().replace('basic', 'off'), 'other settings'],
    ['reject', () => usual(clip), 'a vendor of a refused category'],
    ['reject', () => less(usual()), 'a vendor less, after a no'],
  ]) {
    const { visitor } = await decided(answer);
    await publish(file());
    const page = await s.open(again(), visitor);
    await ready(page);
    await quiet();
    assert.equal(await asked(page), false, what);
    assert.equal(await page.evaluate(() => volenti.state.categories.marketing), answer === 'accept', what);
  }
});

test('a placeholder that is allowed meanwhile answers no question about somebody else', async () => {
  const { visitor } = await decided('reject');
  await publish(support(usual(chat)));
  const page = await s.open(again('/film'), visitor);
  await control(page, 'accept').waitFor();
  await page.locator('volenti-placeholder button').click();
  await wait(() => page.evaluate(() => volenti.state.vendors.video), 'the film');
  assert.equal(await asked(page), true, 'the question is still there');
  await wait(async () => (await s.receipt(page)).surface === 'placeholder', 'its record');
  assert.equal((await s.receipt(page)).categories.support, 'not_asked');
});

test('a material change is told once to who knew the former text, and that it was read is recorded', async () => {
  const { visitor, page: open } = await decided('accept');
  const before = await open.evaluate(() => volenti.state);
  const file = s.server.file('privacy-2.md', policy('We keep an order for five years.'));
  s.server.volenti('policy', 'import', file, '--site', 'shop', '--material', '--grace-days', '14', '--summary', 'en=Orders are kept for five years.', '--summary', 'de=Bestellungen werden fünf Jahre aufbewahrt.');
  await wait(async () => (await (await fetch(s.server.base + '/b/shop.js')).text()).includes('"h":'), 'the new policy');
  // Who has not decided has nothing to be told of.
  const stranger = await s.open(`/?region=DE&new=${times}`);
  await control(stranger, 'reject').waitFor();
  await quiet(600);
  assert.equal(await stranger.locator('volenti-note').count(), 0);

  s.vendors.hits.length = 0;
  const page = await s.open(`/?region=DE&told=${times}`, visitor);
  const note = page.locator('volenti-note');
  await note.getByRole('button', { name: 'OK' }).waitFor();
  assert.equal(await asked(page), false, 'nothing is asked');
  // That it was shown is recorded: once, however often it is, and beside the decision, which stays in force.
  await wait(() => page.evaluate(() => JSON.parse(localStorage.volenti).t > 0 && !JSON.parse(localStorage.volenti).p), 'the record of the note');
  const posts = () => visitor.asked.filter((what) => what.startsWith('POST')).length;
  assert.equal(posts(), 2, 'the decision, and that the note was shown');
  await page.reload();
  await note.getByRole('button', { name: 'OK' }).waitFor();
  await quiet(600);
  assert.equal(posts(), 2, 'shown again, it says nothing new');
  assert.deepEqual(await page.evaluate(() => volenti.state), before, 'what was shown decides nothing');
  assert.match(await note.getByRole('region').textContent(), /Changed: Privacy policy.*Orders are kept for five years\..*Applies to you from/s);
  assert.equal(await note.getByRole('link').getAttribute('href'), `http://consent.shop.test:${s.server.port}/policies/shop/privacy/versions/2`);
  assert.equal(await page.evaluate(() => document.activeElement === document.body), true, 'it takes no focus');
  await page.locator('#buy').click();
  assert.equal(await page.locator('#buy').textContent(), 'Bought', 'the page is not covered');
  await wait(loaded, 'it stops nothing');
  const answered = page.waitForResponse((r) => r.request().method() === 'POST');
  await note.getByRole('button', { name: 'OK' }).focus();
  await page.keyboard.press('Enter');
  const { core } = await (await answered).json();
  assert.deepEqual([core.state, core.action, core.surface, core.policies.privacy.number, core.previous], ['acknowledged', 'acknowledge', 'change', 2, before.receipt]);
  await wait(async () => (await note.count()) === 0, 'the note to go');
  assert.deepEqual(await page.evaluate(() => volenti.state), before, 'nothing else has changed');

  for (const lost of ['nothing', 'what the page keeps', 'the cookie']) {
    if (lost === 'what the page keeps') await page.evaluate(() => localStorage.clear());
    if (lost === 'the cookie') await visitor.clearCookies();
    await page.goto(`${s.origin}/film?region=DE&told=${times}&lost=${lost.length}`);
    await ready(page);
    await quiet(600);
    assert.equal(await note.count(), 0, 'told once, though it has lost ' + lost);
    if (lost !== 'the cookie') assert.equal(await asked(page), false);
  }
  assert.equal(posts(), 3);
  // What governs what: the receipt's own version in the grace, whether or not the note was shown.
  const ask = async (query) => (await (await fetch(`${s.server.base}/v1/sites/shop/receipts/${before.receipt}/governing?${query}`)).json()).policies.privacy;
  const soon = await ask('');
  assert.deepEqual([soon.number, soon.reason, soon.rests_on.next], [1, 'known_visitor_grace', 2]);
  const then = await ask('at=' + (soon.rests_on.next_binds_from + 1));
  assert.deepEqual([then.number, then.reason, then.rests_on.shown_at > 0], [2, 'constructive_notice', true]);
  assert.deepEqual(page.thrown, []);
});
