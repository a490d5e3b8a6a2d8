// The archive of policies, as those who check it use it: what was in force when, what changed, what comes; by keyboard,
// without script, on paper, in both directions of writing.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { findings, tooWide } from './axe.mjs';
import { install, patience } from './installation.mjs';

const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const filler = ['Who we are', 'Where we are', 'How to reach us'].map((name) => `## ${name}\n\n${name} stands at length in the imprint, which every page of the shop links to.\n`).join('\n');
const english = ({ years = 'seven', third = '', moved = '' }) => `# Privacy policy

We keep an order for **${years}** years.

${filler}
${moved && `## Your rights\n\n${moved}\n\n`}## Cookies

- Necessary: a cart.
- Statistics: a count.
${third}
| What | How long |
| --- | --- |
| Orders | ${years} years |

## Contact

Write to privacy@shop.test at any time.
${moved ? '' : `\n## Your rights\n\nYou may ask what we hold about you, and have it corrected, moved or deleted.\n`}`;
const rights = 'You may ask what we hold about you, and have it corrected, moved or deleted.';
const german = '# Datenschutz\n\nWir bewahren Bestellungen zehn Jahre auf.\n';
const arabic = (years) => `# سياسة الخصوصية\n\nنحتفظ بالطلبات **${years}** سنوات (Tax Act, s. 886).\n\n## حقوقك\n\nيمكنك أن تسألنا عما نحتفظ به عنك.\n\n- أولًا\n- ثانيًا\n`;
const ahead = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);

let server, browser;
const opened = [];

before(async () => {
  server = await install();
  const file = (name, text) => server.file(name, text);
  const publish = (name, text, ...more) => server.volenti('policy', 'import', file(name, text), '--site', 'shop', ...more);
  server.volenti('site', 'add', 'shop', '--name', 'Shop', '--time-zone', 'Europe/Vienna');
  publish('1.md', english({}), '--effective', '2020-03-01');
  publish('2.md', english({ years: 'ten' }), '--effective', '2021-05-01', '--material', '--summary', 'en=Orders are kept for ten years.', '--summary', 'de=Bestellungen werden zehn Jahre aufbewahrt.', '--translate', `de=${file('2.de.md', german)}`);
  publish('3.md', english({ years: 'ten', third: '- Marketing: an advertisement.\n', moved: rights }), '--effective', '2022-07-01');
  publish('4.md', english({ years: 'twelve', third: '- Marketing: an advertisement.\n', moved: rights }), '--effective', ahead);
  publish('a1.md', arabic('سبع'), '--policy', 'arabic', '--language', 'ar', '--effective', '2020-01-01');
  publish('a2.md', arabic('عشر'), '--policy', 'arabic', '--language', 'ar', '--effective', '2021-01-01');
  await server.serve();
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
});
afterEach(async () => {
  for (const context of opened.splice(0)) await context.close();
});
after(async () => {
  await browser?.close();
  await server?.end();
});

/** Opens a page of the archive in a browser of its own. `page.asked`: the addresses it asked for. */
const open = async (path, options) => {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(patience);
  opened.push(context);
  const page = await context.newPage();
  page.asked = [];
  page.on('request', (request) => page.asked.push(request.url()));
  await page.goto(`${server.base}/policies/shop${/^[?]|^$/.test(path) ? '' : '/'}${path}`);
  return page;
};
const said = (page) => page.locator('main').innerText();
const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim());
/** Presses Tab until what is in focus says that. */
const tabTo = async (page, text) => {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === text) return;
  }
  assert.fail(`Tab does not lead to ${text}`);
};

test('the timeline lists every version, newest first, with what each was', async () => {
  const page = await open('privacy/versions');
  const entries = await page.locator('.timeline > li').allInnerTexts();
  assert.equal(entries.length, 4);
  for (const [i, want] of [/Version 4\s+Scheduled/, /Version 3\s+In force/, /Version 2\s+Superseded\s+Material change/, /Version 1\s+Superseded/].entries()) assert.match(entries[i], want);
  assert.match(entries[2], /1 May 2021 to 1 July 2022/);
  assert.match(entries[2], /Orders are kept for ten years\./);
  assert.match(entries[2], /English · German/);
  await page.getByRole('link', { name: 'What changed since version 1' }).click();
  assert.ok(page.url().endsWith('/privacy/diff/1..2'));
});

for (const javaScriptEnabled of [true, false])
  test(`a day leads to the version in force on it, ${javaScriptEnabled ? 'by keyboard' : 'without script'}`, async () => {
    const page = await open('privacy/versions', { javaScriptEnabled, locale: 'en-GB' });
    await page.getByLabel('Which version was in force on this day?').fill('2021-12-24');
    await page.getByLabel('Which version was in force on this day?').press('Enter');
    await page.waitForURL('**/versions/2?at=2021-12-24');
    assert.match(await said(page), /You asked about 24 December 2021: this version was in force\./);
    assert.match(await said(page), /Version 2, superseded by version 3 on 1 July 2022/);
  });

test('a day before the first version says when that begins, and leads there', async () => {
  const page = await open('privacy/at/2019-01-01');
  assert.match(await said(page), /No version was in force then[^]*from 1 March 2020 on/);
  await page.getByRole('link', { name: 'Read the first version' }).click();
  assert.match(await said(page), /Version 1, superseded by version 2 on 1 May 2021/);
});

test('a version that lies ahead is marked, and says what applies until then', async () => {
  const page = await open('privacy/versions/4');
  assert.match(await said(page), /Version 4 takes effect on[^]*Until then, version 3 is in force\./);
  await page.getByRole('link', { name: 'Read the version in force' }).click();
  assert.match(await said(page), /Version 3, in force since 1 July 2022/);
});

test('a superseded version names the one in force, and what differs from it', async () => {
  const page = await open('privacy/versions/1');
  await page.getByRole('link', { name: 'Compare with the version in force' }).click();
  assert.ok(page.url().endsWith('/privacy/diff/1..3'));
});

test('two versions are picked and compared by keyboard alone', async () => {
  const page = await open('privacy/versions', { locale: 'en-GB' });
  const from = page.getByLabel('From', { exact: true });
  await from.focus();
  await page.keyboard.type('Version 2');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Version 3');
  assert.deepEqual([await from.inputValue(), await page.getByLabel('To', { exact: true }).inputValue()], ['2', '3']);
  await tabTo(page, 'Compare');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/diff/2..3');

  await tabTo(page, 'Go to the first change');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => location.hash), '#change-1');
  await tabTo(page, 'Next change');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => location.hash), '#change-2');
  // From where it is to where it was, and back.
  await page.goto(page.url().split('#')[0]);
  await tabTo(page, 'Moved here. See where it was');
  await page.keyboard.press('Enter');
  const there = () => page.evaluate(() => document.querySelector(location.hash).textContent);
  assert.equal(await there(), 'Your rights');
  await tabTo(page, 'Moved. See where it is now');
  await page.keyboard.press('Enter');
  assert.equal(await there(), 'Your rights');
  // What is the same is folded, and opens by keyboard.
  const fold = page.locator('details').first();
  assert.equal(await fold.getAttribute('open'), null);
  await fold.locator('summary').focus();
  await page.keyboard.press('Enter');
  assert.notEqual(await fold.getAttribute('open'), null);
});

test('what was inserted and deleted is told by more than colour', async () => {
  const page = await open('privacy/diff/1..2');
  const [put, gone] = [page.locator('ins', { hasText: 'ten' }).first(), page.locator('del', { hasText: 'seven' }).first()];
  assert.equal(await put.textContent(), '[inserted] ten');
  assert.equal(await gone.textContent(), '[deleted] seven');
  const line = (el) => el.evaluate((node) => getComputedStyle(node).textDecorationLine);
  assert.deepEqual([await line(put), await line(gone)], ['underline', 'line-through']);
  assert.equal(await page.locator('ins[aria-hidden], del[aria-hidden]').count(), 0);
  assert.match(await page.locator('.difference').innerText(), /Orders \| \[?/);
});

test('a language is chosen by the reader, and the one that binds is named', async () => {
  const page = await open('privacy/versions/2');
  await page.getByRole('link', { name: 'Deutsch' }).click();
  assert.match(await said(page), /Dies ist eine Übersetzung\. Verbindlich ist der Text auf Englisch\./);
  assert.equal(await page.locator('article').getAttribute('lang'), 'de');
  assert.equal(await page.locator('.languages [aria-current]').innerText(), 'Deutsch');
  await page.getByRole('link', { name: 'English' }).click();
  assert.match(await said(page), /We keep an order for ten years\./);
});

test('a site lists its policies, each in its own language', async () => {
  const page = await open('?lang=en');
  assert.match(await said(page), /Policy archive[^]*سياسة الخصوصية[^]*Version 2, in force since 1 January 2021[^]*Privacy policy[^]*Version 3, in force since 1 July 2022/);
  await page.getByRole('link', { name: 'Privacy policy' }).click();
  assert.ok(page.url().endsWith('/policies/shop/privacy'));
});

const places = {
  'the policies of a site': '',
  'in force': 'privacy',
  'what was in force on a day': 'privacy/at/2021-12-24',
  'a translation': 'privacy/versions/2?lang=de',
  scheduled: 'privacy/versions/4',
  'the timeline': 'privacy/versions',
  'a difference': 'privacy/diff/1..3',
  'no difference': 'privacy/diff/1..1',
  'in Arabic': 'arabic',
  'a difference in Arabic': 'arabic/diff/1..2',
  'the timeline in Arabic': 'arabic/versions',
  'a day before the first version': 'privacy/at/2019-01-01',
};
const looks = { light: {}, dark: { colorScheme: 'dark' }, '320 pixels': { viewport: { width: 320, height: 568 } }, 'forced colours': { forcedColors: 'active' } };

for (const [place, path] of Object.entries(places))
  test(`no finding, nothing from elsewhere, nothing kept: ${place}`, async () => {
    for (const [look, options] of Object.entries(looks)) {
      const page = await open(path, options);
      for (const summary of await page.locator('summary').all()) await summary.click();
      assert.deepEqual(await findings(page), [], look);
      assert.deepEqual(await page.evaluate(tooWide), [], `${look}: nothing to scroll sideways (WCAG 1.4.10)`);
      assert.deepEqual(page.asked.filter((url) => !url.startsWith(server.base)), []);
      assert.deepEqual(await page.context().cookies(), []);
      assert.equal(await page.locator('script').count(), 0);
    }
  });

test('Arabic is written from right to left, and what is deleted stands before what is inserted', async () => {
  const page = await open('arabic/diff/1..2');
  const [gone, put] = [await page.locator('del').first().boundingBox(), await page.locator('ins').first().boundingBox()];
  assert.ok(gone.x > put.x, `${gone.x} ${put.x}`);
  const text = await open('arabic');
  assert.equal(await text.locator('article').evaluate((el) => getComputedStyle(el).direction), 'rtl');
});

test('on paper there is the text, what it is, and nothing to click', async () => {
  for (const path of ['privacy/versions/2', 'privacy/diff/1..3']) {
    const page = await open(path);
    await page.emulateMedia({ media: 'print' });
    const seen = await page.evaluate(() =>
      Object.fromEntries(['.top a', '.ways', '.change-ways', '.about-files', '.skip', '.languages ul'].map((at) => [at, [...document.querySelectorAll(at)].filter((el) => el.checkVisibility()).length])),
    );
    assert.deepEqual(Object.values(seen).filter(Boolean), [], `${path}: ${JSON.stringify(seen)}`);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), 'rgb(0, 0, 0)');
    assert.match(await said(page), /[0-9a-f]{16}/);
    assert.equal((await page.pdf({ format: 'A4' })).subarray(0, 5).toString(), '%PDF-');
  }
  const page = await open('privacy/versions/2');
  await page.emulateMedia({ media: 'print' });
  assert.match(await said(page), new RegExp('Permanent address\\s+(http://[^ ]+)?/policies/shop/privacy/versions/2'));
});

test('machines find their way: Memento, feed, forms', async () => {
  const ask = (path, headers) => fetch(`${server.base}/policies/shop/privacy${path}`, { headers, redirect: 'manual' });
  const original = await ask('', { accept: 'text/html' });
  const gate = new URL(/<([^>]+)>; rel="timegate"/.exec(original.headers.get('link'))[1], original.url);
  const led = await fetch(gate, { headers: { 'accept-datetime': 'Fri, 24 Dec 2021 12:00:00 GMT' }, redirect: 'manual' });
  assert.equal(led.status, 302);
  const memento = await fetch(new URL(led.headers.get('location'), gate), { headers: { accept: 'text/markdown' } });
  assert.equal(memento.headers.get('memento-datetime'), 'Fri, 30 Apr 2021 22:00:00 GMT'); // midnight in Vienna
  assert.match(await memento.text(), /We keep an order for \*\*ten\*\* years\./);
  assert.equal((await fetch(gate, { headers: { 'accept-datetime': 'yesterday' } })).status, 400);
  assert.match(await (await ask('/feed.atom')).text(), /Version 4 takes effect on/);
  const early = await ask('/at/2019-01-01');
  assert.equal(early.status, 404);
  assert.match((await early.json()).detail, /1 March 2020/);
  assert.equal((await ask('', { accept: 'image/png' })).status, 406);
  assert.equal((await ask('/versions/1')).headers.get('x-robots-tag'), 'noindex');
  assert.equal((await ask('')).headers.get('x-robots-tag'), null);
});
