// The privacy centre as visitors use it: without script, by keyboard, in other languages, and from another device.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press } from '../browser/harness.mjs';
import { findings, fits, tooWide } from './axe.mjs';
import { notice } from './notice.mjs';
import { asked, wait, world } from './world.mjs';

const s = world();
const centre = (site = 'shop', lang = 'en') => `http://consent.shop.test:${s.server.port}/privacy/${site}?region=DE&lang=${lang}`;
const plain = async (options) => (await s.visitor({ javaScriptEnabled: false, ...options })).newPage();
const text = (page) => page.locator('main').innerText();
const history = (page) => page.locator('.timeline > li h3').allInnerTexts();

const souk = async () => {
  // The wording of the notice is in Arabic too; the page has its own words for it.
  s.server.volenti('site', 'add', 'souk', '--name', 'Souk');
  const file = notice({ site: 'souk', origins: [`http://www.shop.test:${s.shop.port}`] }).replace('languages = ["en", "de"]', 'languages = ["en", "de", "ar"]').replaceAll('de = "Unterscheidet Besucher."', 'de = "Unterscheidet Besucher.", ar = "يميّز بين الزوار."');
  s.server.volenti('notice', 'publish', s.server.file('souk.toml', file));
  await wait(async () => (await fetch(`${s.server.base}/privacy/souk`)).ok, 'the second site');
};

test('without script: chosen, one vendor left out, all withdrawn, and each of it is there to see', async () => {
  const page = await plain();
  const answer = await page.goto(centre());
  assert.match(answer.headers()['cache-control'], /private, no-store/);
  assert.match(answer.headers()['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
  assert.deepEqual(await page.context().cookies(), [], 'looking sets nothing');
  assert.match(await text(page), /You have not chosen yet\./);
  await page.locator('[data-volenti=accept]').click();
  assert.match(await text(page), /Your choice is recorded\.[^]*Your choice of \d{4}-/);
  assert.deepEqual(await history(page), ['Accepted everything']);
  await page.locator('button[value=meta]').click();
  assert.deepEqual(await history(page), ['Chose one by one', 'Accepted everything']);
  assert.match(await text(page), /Meta Pixel \(Meta Platforms, Inc\.\)\s+Off/);
  assert.match(await text(page), /Google Analytics \(Google LLC\)\s+On/);
  await page.locator('[data-volenti=withdraw]').click();
  assert.deepEqual(await history(page), ['Withdrew consent', 'Chose one by one', 'Accepted everything']);
  assert.equal(await page.locator('[data-volenti=withdraw]').count(), 0, 'there is nothing left to withdraw');
  // Each has its receipt, and it is the record of that decision.
  const first = new URL(await page.locator('.timeline > li a[download]').first().getAttribute('href'), page.url());
  const receipt = await (await fetch(s.server.base + first.pathname)).json();
  assert.deepEqual([receipt.core.action, receipt.core.surface], ['withdraw', 'centre']);
});

test('what the centre records, the pages of the site go by', async () => {
  const context = await s.visitor();
  const page = await context.newPage();
  await page.goto(centre());
  const [no, yes] = [page.locator('[data-volenti=reject]'), page.locator('[data-volenti=accept]')];
  const style = (el) => el.evaluate((e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor, getComputedStyle(e).border, getComputedStyle(e).font, e.clientHeight]);
  assert.deepEqual(await style(no), await style(yes), 'no is as easy as yes');
  await yes.click();
  await page.locator('button[value=meta]').click();
  s.place('sub-domain');
  const shop = await s.open('/?region=DE', context);
  await wait(() => shop.evaluate(() => window.volenti?.state?.categories?.analytics), 'the decision');
  assert.equal(await asked(shop), false);
  assert.deepEqual(await shop.evaluate(() => [volenti.state.categories.marketing, volenti.state.vendors.meta]), [true, false]);
});

test('by keyboard, withdrawing is one button away', async () => {
  const page = await (await s.visitor()).newPage();
  await page.goto(centre());
  await page.locator('[data-volenti=accept]').click();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement.dataset.volenti === 'withdraw')) break;
  }
  assert.equal(await page.evaluate(() => document.activeElement.dataset.volenti), 'withdraw');
  await page.keyboard.press('Enter');
  await page.locator('.timeline > li h3', { hasText: 'Withdrew consent' }).waitFor();
});

test('another device sees the choices by a link that counts once, and what it withdraws is withdrawn here', async () => {
  s.place('sub-domain');
  const mine = await s.visitor();
  await mine.route('**/b/**', (route) => route.continue()); // nothing comes from the browser's own cache
  const shop = await s.open('/?region=DE', mine);
  await press(shop, 'accept');
  await s.receipt(shop);
  const page = await mine.newPage();
  await page.goto(centre());
  await page.locator('form[action$="/link"] button').click();
  const address = await page.locator('code').innerText();
  assert.equal(await page.locator('svg.qr[role=img]').count(), 1);
  assert.doesNotMatch(address, /[0-9a-hjkmnp-tv-z]{32}/, 'no receipt stands in the address');
  assert.deepEqual([await findings(page), await page.evaluate(tooWide)], [[], []]);
  for (let i = 0; i < 3; i++) assert.equal((await fetch(address.replace('consent.shop.test', '127.0.0.1'))).status, 200); // whatever looks at links

  const theirs = await plain();
  await theirs.goto(address);
  assert.match(await text(theirs), /It works once\./);
  await theirs.getByRole('button').click();
  assert.match(await text(theirs), /These choices were made in another browser\.[^]*Accepted everything/);
  assert.deepEqual((await theirs.context().cookies()).map((c) => [c.name, c.httpOnly, c.sameSite, c.path]), [['volenti-hold', true, 'Strict', '/privacy/shop']]);
  await theirs.locator('[data-volenti=withdraw]').click();
  assert.deepEqual(await history(theirs), ['Withdrew consent', 'Accepted everything']);
  const again = await plain();
  await again.goto(address);
  await again.getByRole('button').click();
  assert.match(await text(again), /This link has been used/);

  await shop.reload();
  await wait(() => shop.evaluate(() => window.volenti?.state?.categories?.analytics === false), 'the first browser to hear of it');
  assert.equal(await asked(shop), false, 'nobody is asked again');
  assert.deepEqual(await history((await page.goto(centre()), page)), ['Withdrew consent', 'Accepted everything']);
});

test('a receipt file opens what it is about, and can be left again', async () => {
  const giver = await (await s.visitor()).newPage();
  await giver.goto(centre());
  await giver.locator('[data-volenti=reject]').click();
  const href = new URL(await giver.locator('.timeline a[download]').first().getAttribute('href'), giver.url());
  const receipt = await (await fetch(s.server.base + href.pathname)).text();
  const page = await plain();
  await page.goto(centre());
  await page.locator('#number').fill('0'.repeat(32));
  await page.locator('button[value=find]').click();
  assert.match(await text(page), /There is no such receipt of this website\./);
  await page.locator('#file').setInputFiles({ name: 'receipt.json', mimeType: 'application/json', buffer: Buffer.from(receipt) });
  await page.locator('button[value=find]').click();
  assert.deepEqual(await history(page), ['Rejected everything']);
  await page.locator('button[value=leave]').click();
  assert.match(await text(page), /You have not chosen yet\./);
});

test('it says what signals the browser sends, and what they change here', async () => {
  const page = await plain({ extraHTTPHeaders: { 'Sec-GPC': '1', DNT: '1' } });
  await page.goto(centre());
  const said = await text(page);
  for (const what of ['Your browser sends Global Privacy Control.', 'Your browser sends “Do Not Track”.', 'Opt-out request honored: marketing stays off.']) assert.ok(said.includes(what), what);
});

test('in German and Arabic all of it is, and nothing of it in English', async () => {
  await souk();
  for (const [lang, dir, want] of [['de', 'ltr', ['Sie haben noch nichts ausgewählt', 'Was jetzt laufen darf', 'Ihr Verlauf', 'Ihre Rechte', 'Mit einem Beleg']], ['ar', 'rtl', ['سجلّك', 'حقوقك', 'ما يُسمح بعمله الآن']]]) {
    const page = await (await s.visitor()).newPage();
    await page.goto(centre('souk', lang));
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), [lang, dir]);
    const said = await text(page);
    for (const what of want.slice(lang === 'de' ? 1 : 0)) assert.ok(said.includes(what), what);
    assert.doesNotMatch(said, /\b(Your|choice|history|What|Download|Receipt)\b/);
    await page.locator('[data-volenti=accept]').click();
    assert.doesNotMatch(await text(page), /\b(Your|choice|history|What|Download|Receipt|Version)\b/);
    await page.setViewportSize({ width: 320, height: 800 });
    assert.deepEqual([await findings(page), await page.evaluate(tooWide)], [[], []]);
  }
});

test('for everybody: contrast, names, sizes, light and dark, on a telephone', async () => {
  const page = await (await s.visitor()).newPage();
  await page.goto(centre());
  await fits(page);
  await page.locator('[data-volenti=accept]').click();
  await page.locator('button[value=meta]').click();
  await page.locator('.timeline summary').first().click();
  await fits(page);
  const small = await page.locator('main :is(button, a.go, summary, input:not([type=hidden]))').evaluateAll((all) => all.filter((el) => el.getBoundingClientRect().height < 43.5).map((el) => el.outerHTML.slice(0, 90)));
  assert.deepEqual(small, []);
});
