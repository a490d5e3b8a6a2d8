// What people ask for about their data, from the page to the answer: with the cookie, with a mailbox, without script,
// in two directions of writing; and the operator who answers.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { after, test } from 'node:test';
import { findings, fits, tooWide } from './axe.mjs';
import { enter, tabTo } from './console.mjs';
import { mailbox } from './mailbox.mjs';
import { payloads } from './payloads.mjs';
import { asked, wait, world } from './world.mjs';

const box = await mailbox();
const told = []; // what the site's other system was told
const hook = createServer((request, answer) => {
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', () => {
    told.push({ headers: request.headers, body });
    answer.writeHead(204).end();
  });
});
await new Promise((done) => hook.listen(0, '127.0.0.1', done));
after(async () => {
  hook.close();
  await box.close();
});
const shots = process.env.SHOTS; // a folder: pictures of every page, for people
const s = world({ serve: ['--region-override', '--smtp-address', box.address, '--smtp-from', 'Shop <privacy@shop.test>', '--smtp-security', 'none', '--hooks-private-networks', '127.0.0.0/8'] });
const base = () => `http://localhost:${s.server.port}`;
const shot = async (page, name) => shots && page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
let owner;
const console_ = async (path) => (owner ??= await enter({ ...s, server: { ...s.server, base: base() } })).open('/admin/sites/shop' + path);

/** Files of a zip, by name. */
const unzip = (bytes) => {
  const files = {};
  for (let at = bytes.readUInt32LE(bytes.lastIndexOf(Buffer.from('PK\x05\x06')) + 16); bytes.readUInt32LE(at) === 0x02014b50; ) {
    const [packed, name, extra, comment, from] = [bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32), bytes.readUInt32LE(at + 42)];
    const begin = from + 30 + bytes.readUInt16LE(from + 26) + bytes.readUInt16LE(from + 28);
    files[bytes.toString('utf8', at + 46, at + 46 + name)] = inflateRawSync(bytes.subarray(begin, begin + packed)).toString('utf8');
    at += 46 + name + extra + comment;
  }
  return files;
};

/** A visitor who accepted all in the shop, on the host of the consent server. */
const decided = async (options) => {
  s.place('same host');
  const context = await s.visitor(options);
  const page = await s.open('/', context);
  await wait(() => asked(page), 'the banner');
  await page.locator('[data-volenti=accept]').first().click();
  const receipt = await wait(() => page.evaluate(() => window.volenti?.state?.receipt), 'a receipt');
  return { context, receipt };
};

const make = async (page, kind, fill = {}) => {
  await page.goto(`${base()}/privacy/shop/requests${fill.query ?? ''}`);
  await page.locator(`input[name=kind][value=${kind}]`).check();
  for (const name of ['address', 'receipt', 'text']) if (fill[name]) await page.locator(`[name=${name}]`).fill(fill[name]);
  await page.locator('main form button').last().click();
  await page.waitForLoadState();
};

test('a browser asks for copy and erasure; the operator presses a button; then everything is gone', async () => {
  const { context, receipt } = await decided({ locale: 'de-AT' });
  const state = await context.storageState();
  const page = await (await s.visitor({ storageState: state, locale: 'de-AT', javaScriptEnabled: false })).newPage(); // without script from here on
  await make(page, 'copy', { text: '<b>bitte</b>' });
  assert.match(await page.locator('main').innerText(), /In Arbeit[\s\S]*<b>bitte<\/b>/);
  assert.equal(await page.locator('main b').count(), 0);
  const copy = new URL(page.url());
  await shot(page, 'requests-one-de');
  await make(page, 'erasure');
  const erasure = new URL(page.url());
  await page.goto(`${base()}/privacy/shop/requests`);
  assert.equal(await page.locator('input[name=address], input[name=receipt]').count(), 0, 'more is asked than is needed');
  assert.equal(await page.locator('.requests-list li').count(), 2);
  await shot(page, 'requests-form-de');

  let desk = await console_('/requests');
  assert.equal(await desk.locator('table tbody tr').count(), 2);
  await shot(desk, 'console-queue');
  for (const url of [copy, erasure]) {
    await desk.goto(`${base()}/admin/sites/shop/requests/${url.pathname.split('/').at(-1)}`);
    assert.match(await desk.locator('main').innerText(), /1 record/);
    await shot(desk, 'console-request-' + url.pathname.split('/').at(-1));
    await desk.getByRole('button', { name: 'Fulfil the request' }).click();
    await desk.getByText('What was done stands below').waitFor();
  }
  await shot(desk, 'console-request-done');
  await desk.close();

  assert.equal((await context.request.get(`${base()}/v1/sites/shop/receipts/${receipt}`)).status(), 404, 'the record is still there');
  await page.goto(copy.href);
  assert.match(await page.locator('main').innerText(), /Erledigt[\s\S]*Aufzeichnungen Ihrer Auswahl: 1/);
  await shot(page, 'requests-done-de');
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a[download]').click()]);
  const files = unzip(readFileSync(await download.path()));
  const data = JSON.parse(files['data.json']);
  assert.equal(data.receipts.length, 1);
  assert.deepEqual(JSON.parse(files[`receipts/${receipt}.json`]).core.id ?? data.receipts[0].core.id, receipt);
  assert.equal(data.requests.length, 2);
  assert.match(files['index.html'], /lang="de" dir="ltr"[\s\S]*&lt;b&gt;bitte&lt;\/b&gt;/);
  assert.doesNotMatch(files['index.html'], /<script|<b>/);
  await page.goto(copy.href);
  await page.locator('button[value=drop]').click();
  await page.waitForLoadState();
  assert.equal(await page.locator('a[download]').count(), 0);
  assert.equal((await context.request.get(`${copy.origin}${copy.pathname}/data${copy.search}`)).status(), 404, 'the copy is still there');
  await page.goto(erasure.href);
  assert.match(await page.locator('main').innerText(), /Von diesem Server gelöscht, Aufzeichnungen Ihrer Auswahl: 1/);
  // Nobody else sees any of it, and a wrong key is a request that never was.
  const stranger = await s.visitor();
  for (const address of [copy.origin + copy.pathname, copy.origin + copy.pathname + '?key=' + 'A'.repeat(24), `${base()}/privacy/shop/requests/0123456789abcdef`]) {
    assert.equal((await stranger.request.get(address)).status(), 404, address);
  }
});

test('by mail, on another device, in Arabic', async () => {
  const context = await s.visitor({ locale: 'ar', javaScriptEnabled: false });
  const page = await context.newPage();
  await make(page, 'access', { address: 'nobody' });
  assert.ok(page.url().endsWith('/requests'), 'the browser itself sends no such address');
  const before = box.mails.length;
  await make(page, 'access', { address: 'huda@visitors.test' });
  assert.equal(await page.locator('html').getAttribute('dir'), 'rtl');
  const same = await page.locator('main').innerText();
  await shot(page, 'requests-mailed-ar');
  const mail = await wait(() => box.mails[before], 'a mail');
  assert.equal(mail.to, 'huda@visitors.test');
  const link = /http\S+\/confirm\?key=\S+/.exec(mail.text)[0].replace(/\s/g, '');

  // Scanners open links, twice and with HEAD; only the button counts.
  for (let i = 0; i < 2; i++) assert.equal((await context.request.get(link)).status(), 200);
  assert.equal((await context.request.head(link)).status(), 200);
  assert.equal((await context.request.get(link.slice(0, -2) + 'AA')).status(), 410);
  await page.goto(link);
  assert.deepEqual(await page.evaluate(tooWide).catch(() => []), []);
  await shot(page, 'requests-confirm-ar');
  await page.locator('main form button').click();
  await page.waitForLoadState();
  assert.match(page.url(), /requests\/[0-9a-f]{16}\?key=/);
  await shot(page, 'requests-one-ar');
  const one = page.url();
  const again = await context.newPage();
  assert.equal((await again.goto(link)).status(), 410, 'the link opens twice');

  // Whoever types an address learns nothing of whether it is known.
  const other = await (await s.visitor({ locale: 'ar', javaScriptEnabled: false })).newPage();
  await make(other, 'access', { address: 'unknown@visitors.test' });
  assert.equal(await other.locator('main').innerText(), same);

  // Messages, both ways, with everything that could break out of them.
  const id = new URL(one).pathname.split('/').at(-1);
  const desk = await console_('/requests/' + id);
  const fired = [];
  desk.on('dialog', (d) => fired.push(d.message()));
  const nasty = Object.values(payloads).flat().map((p) => (typeof p === 'string' ? p : p.text ?? JSON.stringify(p))).join('\n').slice(0, 3500);
  await desk.locator('summary', { hasText: 'Write to the visitor' }).click();
  await desk.getByLabel('Message').fill(nasty);
  await desk.getByRole('button', { name: 'Send' }).click();
  await desk.getByText('Sent', { exact: true }).waitFor();
  await page.goto(one);
  await page.locator('[name=text]').fill(nasty);
  await page.locator('button[value=write]').click();
  await page.waitForLoadState();
  const scripted = await (await s.visitor()).newPage();
  scripted.on('dialog', (d) => fired.push(d.message()));
  scripted.on('pageerror', (e) => fired.push(e.message));
  await scripted.goto(one);
  assert.equal(await scripted.locator('main :is(script, img, svg, iframe, math, style, object, embed)').count(), 0);
  await desk.reload();
  assert.equal(await desk.locator('main :is(script, img, iframe, math, style, object, embed)').count(), 0);
  assert.deepEqual(fired, []);
  assert.deepEqual(desk.broken, []);

  await desk.getByRole('button', { name: 'Fulfil the request' }).click();
  await desk.getByText('What was done stands below').waitFor();
  const news = await wait(() => box.mails.slice(before + 1).findLast((m) => m.to === 'huda@visitors.test'), 'news');
  assert.match(news.text, new RegExp(id));
  await desk.close();
});

test('do not sell: marketing is off in that browser at once', async () => {
  const { context } = await decided({ locale: 'en-US' });
  const page = await context.newPage();
  await make(page, 'do-not-sell', { query: '?region=US-CA' });
  assert.match(await page.locator('main').innerText(), /Marketing was switched off in this browser at once/);
  // A browser keeps a script of ours for five minutes: one that has kept none sees what the cookie says.
  const later = await s.visitor({ locale: 'en-US', storageState: { cookies: await context.cookies(), origins: [] } });
  const shop = await s.open('/', later);
  const state = await wait(() => shop.evaluate(() => window.volenti?.state), 'a state');
  assert.equal(state.categories.marketing, false);
  assert.equal(state.categories.analytics, true);
});

test('other systems are told, and can tell who tells them', async () => {
  const desk = await console_('/request-settings');
  await desk.getByLabel('Address', { exact: true }).fill(`http://127.0.0.1:${hook.address().port}/hooks`);
  await desk.getByRole('button', { name: 'Add it' }).click();
  const secret = (await desk.locator('code', { hasText: 'whsec_' }).innerText()).slice(6);
  await shot(desk, 'console-settings');
  await desk.goto(base() + '/admin/sites/shop/request-settings');
  await desk.getByRole('button', { name: /^Send a test/ }).click();
  const { context } = await decided();
  const page = await context.newPage();
  await make(page, 'erasure');
  const received = await wait(() => told.find((t) => JSON.parse(t.body).type === 'request.received'), 'the webhook');
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = received.headers;
  assert.equal(signature, 'v1,' + createHmac('sha256', Buffer.from(secret, 'base64')).update(`${id}.${at}.${received.body}`).digest('base64'));
  assert.equal(JSON.parse(received.body).data.kind, 'erasure');
  assert.doesNotMatch(received.body, /@/);
  await wait(() => told.find((t) => JSON.parse(t.body).type === 'test'), 'the test');
  await wait(async () => {
    await desk.goto(base() + '/admin/sites/shop/request-settings');
    return (await desk.locator('.badge', { hasText: 'taken' }).count()) >= 2;
  }, 'the log of deliveries');
  await shot(desk, 'console-deliveries');
  await desk.close();
});

test('every page fits, reads well, and is reached by the keyboard', async () => {
  const { context } = await decided();
  const page = await context.newPage();
  await page.goto(`${base()}/privacy/shop/requests?lang=en&region=US-CA`);
  await fits(page);
  await tabTo(page, page.locator('input[name=kind]').first());
  await page.keyboard.press('Space');
  await tabTo(page, page.getByRole('button', { name: 'Send the request' }));
  await page.keyboard.press('Enter');
  await page.waitForURL(/requests\/[0-9a-f]{16}/);
  await fits(page);
  const plain = await (await s.visitor()).newPage();
  for (const lang of ['de', 'ar', 'el']) {
    await plain.goto(`${base()}/privacy/shop/requests?lang=${lang}&region=US-CA`);
    await plain.setViewportSize({ width: 320, height: 640 });
    assert.deepEqual(await plain.evaluate(tooWide), [], lang);
    assert.deepEqual(await findings(plain), [], lang);
    await shot(plain, 'requests-form-phone-' + lang);
  }
  for (const path of ['/requests', '/requests?state=all', '/requests/new', '/request-settings']) {
    const desk = await console_(path);
    await fits(desk);
    assert.deepEqual(desk.broken, [], path);
    await desk.close();
  }
  const list = await console_('/requests');
  await list.locator('tbody a').first().click();
  await list.waitForLoadState();
  for (const summary of await list.locator('main summary').all()) await summary.click();
  await fits(list);
  await shot(list, 'console-request-phone');
});
