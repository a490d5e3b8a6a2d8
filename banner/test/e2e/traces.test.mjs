// Whatever visitors and operators do, nothing of their address, browser, way there or tokens is kept: not in the
// database, its write-ahead log or free pages, not in logs, exports or a backup.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { press, ready } from '../browser/harness.mjs';
import { enter } from './console.mjs';
import { wait, world } from './world.mjs';

const address = '203.0.113.77';
const agent = 'Mozilla/5.0 (X11; CanaryOS 4711) CanaryBrowser/77.0';
const query = 'canary-query-4711';
const token = 'canary-token-4711-0123456789';
const referrer = 'https://canary-referrer.example/secret/path';
const canaries = [address, agent, 'CanaryBrowser', query, token, 'canary-referrer', 'secret/path'];

const s = world({ serve: ['--geo-trusted-proxies', '127.0.0.1/32', '--geo-address-header', 'x-forwarded-for'] });
/** A browser of somebody behind the proxy, of whom every request to the server says who he is and where he was. */
const mark = async (context) => {
  await context.route(
    (url) => url.port === String(s.server.port),
    (route) => route.continue({ headers: { ...route.request().headers(), 'x-forwarded-for': address, referer: `${referrer}?q=${query}` } }),
  );
  return context;
};

const scan = (...files) => {
  const args = ['pii', 'scan', '--data', s.server.data, ...canaries.flatMap((c) => ['--canary', c]), ...files];
  const { status, stdout, stderr } = spawnSync(s.server.binary, args, { encoding: 'utf8' });
  return { status, said: stdout + stderr };
};

test('the whole story leaves no trace of whoever it is about', async () => {
  // A visitor accepts, changes it in the settings, withdraws; then reads the server's own pages.
  const visitor = await mark(await s.visitor({ userAgent: agent }));
  await visitor.addCookies([{ name: 'login', value: token, domain: 'consent.shop.test', path: '/' }]);
  const page = await s.open(`/?region=DE&utm_source=${query}`, visitor);
  await press(page, 'accept');
  const given = await s.receipt(page);
  await page.evaluate(() => volenti.show());
  await page.locator('dialog [data-volenti-category=marketing]').uncheck();
  await page.locator('dialog [data-volenti=save]').click();
  await wait(async () => (await s.receipt(page)).state === 'partial', 'the changed choice');
  await page.evaluate(() => volenti.withdraw());
  await wait(async () => (await s.receipt(page)).state === 'withdrawn', 'the withdrawal');
  const { id } = await s.receipt(page);
  const consent = `http://consent.shop.test:${s.server.port}`;
  for (const path of ['/privacy/shop', '/privacy/shop/choices', '/privacy/shop/cookies', '/policies/shop/privacy', '/policies/shop/privacy/versions', '/nowhere']) {
    const answer = await page.goto(`${consent}${path}?from=${query}`);
    assert.ok(answer.status() < 500, path);
  }
  await page.goto(consent + '/privacy/shop/choices');
  await page.locator('main form button').first().click();
  await page.waitForLoadState();

  // Programs ask with all that a browser may not set by itself, for what there is and what there is not.
  const headers = { 'x-forwarded-for': address, 'user-agent': agent, referer: `${referrer}?q=${query}`, authorization: 'Bearer ' + token, cookie: `session=${token}`, origin: s.origin };
  for (const path of [`/b/shop.js?region=DE&q=${query}`, `/v1/sites/shop/receipts/${id}?q=${query}`, `/v1/sites/shop/receipts/${id}/proof`, `/v1/sites/shop/tags/marketing.js`, `/log/checkpoint?q=${query}`, `/admin/sites/shop?q=${query}`, `/${token}`, '/metrics', `/v1/sites/shop/receipts/${token}`]) {
    const answer = await fetch(s.server.base + path, { headers });
    assert.ok(answer.status < 500, path);
  }
  for (const body of ['{}', JSON.stringify({ id: token, token }), query]) {
    const answer = await fetch(s.server.base + '/v1/sites/shop/decisions', { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body });
    assert.ok(answer.status >= 400 && answer.status < 500, body);
  }

  // An operator signs in, finds the receipts and exports them.
  const owner = await enter({ ...s, browser: () => ({ newContext: async (o) => mark(await s.browser().newContext({ ...o, userAgent: agent })) }) });
  const receipts = await owner.open(`/admin/sites/shop/receipts?region=DE&x=${query}`);
  const file = receipts.waitForEvent('download');
  await receipts.getByRole('button', { name: 'Export JSON' }).click();
  const exported = s.server.file('export.ndjson', readFileSync(await (await file).path(), 'utf8'));
  await owner.open(`/admin/sites/shop/receipts/${id}`);

  const log = s.server.file('server.log', s.server.log());
  const metrics = s.server.file('metrics.txt', await (await fetch(s.server.base + '/metrics')).text());
  const backup = join(dirname(log), 'backup.db');
  s.server.volenti('backup', backup);
  assert.ok(readFileSync(exported, 'utf8').includes(given.id), 'the story is in the export');
  assert.match(readFileSync(log, 'utf8'), /route=\/v1\/sites\/:site\/decisions status=201/, 'the log is one of debugging');
  // The backup has emptied the log of writes: one decision more, so that there is one to be read.
  const again = await s.open('/?region=DE', visitor);
  await ready(again); // until then window.volenti is a queue
  await again.evaluate(() => volenti.acceptAll());
  await wait(async () => (await s.receipt(again)).state === 'given', 'the last choice');
  assert.ok(readFileSync(join(s.server.data, 'volenti.db-wal')).length > 0, 'there is a write-ahead log to be read');

  const found = scan(log, exported, metrics, backup);
  assert.equal(found.status, 0, found.said);
  assert.match(found.said, /: 0 findings/);

  // It finds what is there, in a log and in a database, and does not show it.
  const planted = scan(s.server.file('planted.log', `level=DEBUG from=${address} agent="${agent}"\n`));
  assert.equal(planted.status, 3, planted.said);
  assert.ok(!planted.said.includes(address) && !planted.said.includes('CanaryBrowser'), 'a finding shows the value: ' + planted.said);
  s.server.volenti('site', 'add', 'canary', '--name', token);
  const kept = scan();
  assert.equal(kept.status, 3, kept.said);
  assert.match(kept.said, /volenti\.db site\.name/);
  assert.match(kept.said, /volenti\.db +canary/, 'among the bytes, too');
});
