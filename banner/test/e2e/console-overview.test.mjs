// What operators see of visitors: sites, statistics, receipts and the line to embed, of decisions that real visits made.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { press } from '../browser/harness.mjs';
import { findings, tooWide } from './axe.mjs';
import { tabTo } from './console.mjs';
import { setUp } from './signin.mjs';
import { wait, world } from './world.mjs';

const s = world();
const shots = process.env.SHOTS; // a folder: pictures of every page, for people
const of = '/admin/sites/shop';
const pages = ['/admin', '/admin/sites/new', of, of + '/settings', of + '/receipts', of + '/embed'];
let signedIn;

/** A page of the console, as the first owner sees it. */
const open = async (path, options) => {
  const base = `http://localhost:${s.server.port}`; // passkeys belong to names
  const start = async (more) => {
    const page = await (await s.visitor({ ...options, ...more })).newPage();
    page.broken = [];
    page.on('pageerror', (e) => page.broken.push(e.message));
    page.on('console', (m) => /content security policy/i.test(m.text()) && page.broken.push(m.text()));
    return page;
  };
  if (!signedIn) {
    const link = await wait(() => /\/admin\/enter\/[\w-]+/.exec(s.server.log())?.[0], 'the first link');
    const page = await start({ javaScriptEnabled: true });
    await page.goto(base + link);
    await page.getByLabel('Your name').fill('Ada');
    await page.getByLabel('E-mail').fill('ada@shop.test');
    await page.locator('main form button').first().click();
    await setUp(page);
    signedIn = await page.context().storageState();
    await page.close();
  }
  const page = await start({ storageState: signedIn });
  await page.goto(base + path);
  return page;
};

/** What every page has to be: without findings of axe in both schemes, no wider than a phone, within its own policy. */
const sound = async (page, name) => {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await findings(page), [], `${name}, ${colorScheme}`);
    if (shots) await page.screenshot({ path: `${shots}/${name.replace(/\W+/g, '-')}-${colorScheme}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 320, height: 640 });
  assert.deepEqual(await page.evaluate(tooWide), [], name + ' at 320 px');
  for (const summary of await page.locator('main summary').all()) await summary.click();
  assert.deepEqual(await page.evaluate(tooWide), [], name + ' at 320 px, all opened');
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  for (const box of await page.locator('.plot text').evaluateAll((all) => all.map((t) => t.getBoundingClientRect().toJSON()))) {
    assert.ok(box.left >= 0 && box.right <= 320, name + ': a label is cut off');
  }
  assert.deepEqual(await page.evaluate(tooWide), [], name + ' from right to left');
  if (shots) await page.screenshot({ path: `${shots}/${name.replace(/\W+/g, '-')}-phone.png`, fullPage: true });
  assert.deepEqual(page.broken, [], name);
};

/** Visits the shop and decides; the id of the receipt. */
const decide = async (name, region) => {
  const page = await s.open('/?region=' + region);
  await press(page, name);
  await s.receipt(page);
  return page.evaluate(() => window.volenti.state.receipt);
};

test('before anybody has decided, pages say how to get the first decision', async () => {
  const overview = await open(of);
  await overview.getByText('No visitor has decided yet').waitFor();
  await sound(overview, 'empty overview');
  const receipts = await open(of + '/receipts');
  await receipts.getByText('There is no receipt yet').waitFor();
  await sound(receipts, 'empty receipts');
});

test('visits are counted at once, and each leaves a receipt that is found and verifies', async () => {
  const accepted = await decide('accept', 'DE');
  const refused = await decide('reject', 'FR');
  await decide('reject', 'DE');

  const overview = await open(of);
  assert.match(await overview.locator('.figures').innerText(), /3\s+choices/);
  const twin = overview.locator('#by-day .twin');
  await twin.locator('summary').click();
  assert.deepEqual((await twin.locator('tbody tr').last().locator('td').allInnerTexts()).map((t) => t.split(' ')[0]), ['1', '0', '2', '3']);

  const receipts = await open(of + '/receipts');
  assert.equal(await receipts.locator('tbody tr').count(), 3);
  await receipts.getByLabel('Region').selectOption('FR');
  await receipts.getByRole('button', { name: 'Search' }).click();
  await receipts.waitForURL(/region=FR/);
  assert.equal(await receipts.locator('tbody tr').count(), 1);
  await receipts.locator('tbody a').click();
  await receipts.getByText('Verified just now').waitFor();
  assert.match(receipts.url(), new RegExp(refused));
  assert.match(await receipts.locator('main').innerText(), /Refused everything/);
  assert.match(await receipts.locator('.words').innerText(), /Shop Inc. and its partners/, 'the words that were shown');

  const download = receipts.waitForEvent('download');
  await receipts.getByRole('link', { name: 'Download the receipt' }).click();
  const file = readFileSync(await (await download).path(), 'utf8');
  assert.equal(file, await s.server.receipt('shop', refused));

  const found = await open(of + '/receipts');
  await found.getByLabel(/the receipt itself/).fill(await s.server.receipt('shop', accepted));
  await found.getByRole('button', { name: 'Find' }).click();
  await found.getByText('as it was pasted verifies').waitFor();
  assert.match(found.url(), new RegExp(accepted));
  await found.goBack();
  await found.getByLabel(/the receipt itself/).fill('nothing of that kind');
  await found.getByRole('button', { name: 'Find' }).click();
  await found.getByRole('alert').waitFor();

  for (const [format, lines] of [['Export JSON', 3], ['Export CSV', 4]]) {
    const all = await open(of + '/receipts');
    const download = all.waitForEvent('download');
    await all.getByRole('button', { name: format }).click();
    assert.equal(readFileSync(await (await download).path(), 'utf8').trim().split('\n').length, lines, format);
  }
});

test('every page is sound, and says the same without script', async () => {
  const receipts = await open(of + '/receipts');
  const receipt = new URL(await receipts.locator('tbody a').first().evaluate((a) => a.href)).pathname;
  for (const path of [...pages, receipt]) {
    const page = await open(path);
    const text = await page.locator('main').innerText();
    await sound(page, path);
    const plain = await open(path, { javaScriptEnabled: false });
    const words = (text) => text.replace(/Copy (the line|all)/g, '').split(/\s+/).join(' '); // copying needs a script, and is not offered without
    assert.equal(words(await plain.locator('main').innerText()), words(text), path);
    assert.equal(await plain.locator('[data-copy]:visible').count(), 0, path);
    await page.close();
    await plain.close();
  }
});

test('without script a period is chosen, a receipt found, and a site changed', async () => {
  const off = { javaScriptEnabled: false };
  const overview = await open(of, off);
  await overview.getByRole('radio', { name: '7 days', exact: true }).check();
  await overview.getByRole('button', { name: 'Show' }).click();
  await overview.waitForURL(/period=7/);
  assert.equal(await overview.locator('#by-day tbody tr').count(), 7);

  const settings = await open(of + '/settings', off);
  await settings.getByLabel('Name').fill('Shop & Sons');
  await settings.getByLabel('Time zone').fill('Mars/Olympus');
  await settings.getByRole('button', { name: 'Keep these settings' }).click();
  await settings.getByRole('alert').waitFor();
  await settings.getByLabel('Time zone').fill('Europe/Vienna');
  await settings.getByRole('button', { name: 'Keep these settings' }).click();
  await settings.getByText('The settings of “Shop & Sons” are kept.').waitFor();
});

test('the overview is used by keyboard alone', async () => {
  const page = await open(of);
  await tabTo(page, page.getByRole('radio', { name: '28 days' }));
  await page.keyboard.press('ArrowRight');
  await tabTo(page, page.getByRole('button', { name: 'Show' }));
  await page.keyboard.press('Enter');
  await page.waitForURL(/period=90/);
  const twin = page.locator('#by-day .twin');
  await tabTo(page, twin.locator('summary'));
  await page.keyboard.press('Enter');
  await twin.locator('table').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'region', 'a wide table is scrolled by keyboard');
});

test('the lines to embed are those of this server, pinned ones too', async () => {
  const page = await open(of + '/embed?platform=next');
  assert.match(await page.locator('#line').innerText(), new RegExp(`^<script src="http://localhost:${s.server.port}/b/shop\\.js"></script>$`));
  assert.match(await page.locator('#lines').innerText(), /app\/layout\.tsx/);
  await page.getByRole('button', { name: 'Make the pinned lines' }).click();
  const pinned = await page.locator('#pinned-lines').innerText();
  const [, digest] = /\/pinned\/([0-9a-f]{64})\.js" integrity="sha384-/.exec(pinned);
  assert.equal((await fetch(`${s.server.base}/b/shop/pinned/${digest}.js`)).status, 200);
  await sound(page, 'pinned');
});
