// Tags that stand in no page: the server hands them out, to those who allow them and to nobody else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready } from '../browser/harness.mjs';
import { wait, world } from './world.mjs';

// Chain, video, ga4 and meta have tags in the shop's own pages; heat and those of the templates have none.
const more = ({ vendors }) => `
[[vendor]]
key = "heat"
name = "Heat map"
category = "analytics"

[[vendor]]
key = "clarity"
name = "Microsoft Clarity"
category = "analytics"

[[vendor]]
key = "uet"
name = "Microsoft Advertising"
category = "marketing"

[[tag]]
template = "Clarity"
id = "abcdefgh12"

[[tag]]
template = "UET"
id = "12345678"

[[tag]]
vendor = "heat"
src = "http://127.0.0.1:${vendors.port}/heat.js"

[[tag]]
vendor = "heat"
kind = "pixel"
src = "http://127.0.0.1:${vendors.port}/heat.gif"
`;

const s = world({ more });

/** A visitor whose browser finds the vendors of the templates; `fetched` are the addresses asked of them. */
const visitor = async (options) => {
  const context = await s.visitor(options);
  context.fetched = [];
  context.tags = [];
  for (const host of ['www.clarity.ms', 'bat.bing.com'])
    await context.route(`https://${host}/**`, (route) => {
      context.fetched.push(route.request().url());
      return route.fulfill({ contentType: 'text/javascript', body: host === 'bat.bing.com' ? 'function UET(o) { return { ti: o.ti, push: (what) => ran.push(what), waited: o.q }; }' : "ran.push('clarity');" });
    });
  context.on('request', (request) => request.url().includes('/tags/') && context.tags.push(request.url().replace(/.*\/tags\//, '')));
  return context;
};
const open = async (path, context) => {
  const page = await s.open(path, context);
  page.said = [];
  page.on('console', (m) => page.said.push(m.text()));
  return page;
};
const names = (context) => context.tags.map((tag) => tag.replace(/\?.*/, '')).sort();
const hosts = (context) => context.fetched.map((url) => new URL(url).host).sort();
const both = ['bat.bing.com', 'www.clarity.ms'];

test('nothing is asked for before a decision, nor after a refusal', async () => {
  const context = await visitor();
  const page = await open('/?region=DE', context);
  await control(page, 'reject').waitFor();
  await quiet();
  assert.deepEqual([context.tags, context.fetched, s.vendors.hits], [[], [], []], 'before a decision');
  await press(page, 'reject');
  await s.receipt(page);
  await page.goto(s.origin + '/?region=DE');
  await ready(page);
  await quiet();
  assert.deepEqual([context.tags, context.fetched, s.vendors.hits], [[], [], []], 'after a refusal');
  const [{ value }] = (await context.cookies()).filter(({ name }) => name === 'volenti');
  const refused = await fetch(`${s.server.base}/v1/sites/shop/tags/analytics.js?region=US-TX`, { headers: { cookie: 'volenti=' + value } });
  assert.deepEqual([refused.status, refused.headers.get('content-type')], [403, 'application/problem+json'], 'with the cookie of the refusal');
});

test('a yes brings each category once, and its tags; the next page too', async () => {
  const context = await visitor();
  const page = await open('/?region=DE', context);
  await press(page, 'accept');
  await wait(() => s.vendors.hits.includes('/heat.js') && s.vendors.hits.includes('/heat.gif') && context.fetched.length === 2, 'the tags');
  await quiet();
  assert.deepEqual(names(context), ['analytics.js', 'marketing.js']);
  assert.deepEqual(hosts(context), both);
  assert.ok(context.fetched.includes('https://www.clarity.ms/tag/abcdefgh12'));
  assert.equal(await page.evaluate(() => window.uetq.ti), '12345678');
  assert.deepEqual(await page.evaluate(() => window.uetq.waited.slice(0, 2)), ['consent', 'default'], 'told before its script came');
  assert.equal(s.vendors.hits.filter((hit) => hit === '/heat.js').length, 1);
  await page.goto(s.origin + '/?region=DE');
  await wait(() => s.vendors.hits.filter((hit) => hit === '/heat.js').length === 2, 'the same on the next page');
  await quiet();
  assert.deepEqual(names(context), ['analytics.js', 'analytics.js', 'marketing.js', 'marketing.js']);
  assert.deepEqual(page.thrown, []);
});

test('they come after the marked tags of the page, in order', async () => {
  const page = await open('/slow?region=DE', await visitor());
  await press(page, 'accept');
  await wait(() => page.evaluate(() => ran.includes('heat')), 'the registered tag');
  assert.deepEqual(await page.evaluate(() => ran.filter((name) => name.length === 1 || name === 'heat')), ['A', 'B', 'C', 'D', 'heat']);
});

test('only those vendors that were allowed, and the others when they are', async () => {
  const context = await visitor();
  const page = await open('/?region=DE', context);
  await ready(page);
  await page.evaluate(() => volenti.set({ preferences: false, analytics: true, marketing: false, heat: false }));
  await wait(() => context.fetched.length === 1, 'Clarity');
  await quiet();
  assert.deepEqual(hosts(context), ['www.clarity.ms']);
  assert.ok(!s.vendors.hits.includes('/heat.js'), 'the vendor that was refused');
  await s.receipt(page);
  await page.evaluate(() => volenti.set({ analytics: true, marketing: true }));
  await wait(() => s.vendors.hits.includes('/heat.js') && context.fetched.length === 2, 'the others');
  await quiet();
  assert.deepEqual(hosts(context), both, 'each once');
  assert.equal(await page.evaluate(() => ran.filter((name) => name === 'clarity').length), 1);
});

test('where the server is a stranger to the page, the receipt speaks', async () => {
  s.place('foreign');
  const context = await visitor();
  const page = await open('/?region=DE', context);
  await press(page, 'accept');
  await wait(() => s.vendors.hits.includes('/heat.js') && context.fetched.length === 2, 'the tags');
  assert.ok(context.tags.every((tag) => /[?&]receipt=[0-9a-hjkmnp-tv-z]{32}/.test(tag)), context.tags.join());
  await page.evaluate(() => volenti.withdraw());
  await wait(() => page.evaluate(() => volenti.state.receipt), 'the withdrawal to be recorded');
  const again = await fetch(`${s.server.base}/v1/sites/shop/tags/${context.tags[0]}`);
  assert.deepEqual([again.status, again.headers.get('content-type')], [403, 'application/problem+json'], 'the same address after the withdrawal');
});

test('under nonces and Trusted Types', async () => {
  const context = await visitor();
  const page = await open('/strict?region=DE', context);
  await press(page, 'accept');
  await wait(() => page.evaluate(() => ran.includes('heat') && ran.includes('clarity')), 'the tags');
  await wait(() => s.vendors.hits.includes('/heat.gif'), 'the pixel');
  assert.deepEqual(await page.evaluate(() => violations), []);
  assert.deepEqual(page.thrown, []);
});

test('where tags run until objected they come at once, and a signal stops marketing', async () => {
  const context = await visitor();
  const page = await open('/?region=US-TX', context);
  await wait(() => s.vendors.hits.includes('/heat.js') && context.fetched.length === 2, 'the tags');
  assert.equal(await page.evaluate(() => volenti.state.decided), false);
  await press(page, 'reject');
  await s.receipt(page);
  context.tags.length = context.fetched.length = s.vendors.hits.length = 0;
  await page.goto(s.origin + '/?region=US-TX');
  await ready(page);
  await quiet();
  assert.deepEqual([context.tags, context.fetched, s.vendors.hits], [[], [], []]);

  const signal = await visitor({ extraHTTPHeaders: { 'Sec-GPC': '1' } });
  const other = await open('/?region=US-TX', signal);
  await wait(() => s.vendors.hits.includes('/heat.js') && signal.fetched.length === 1, 'what is not marketing');
  await quiet();
  assert.deepEqual(hosts(signal), ['www.clarity.ms']);
  assert.deepEqual(other.thrown, []);
});

test('a page whose server fails is told on the console, and works', async () => {
  const context = await visitor();
  await context.route('**/tags/**', (route) => route.abort());
  const page = await open('/?region=DE', context);
  await press(page, 'accept');
  await wait(() => page.said.filter((text) => text.includes('registered tags not loaded')).length === 2, 'the console');
  await page.click('#buy');
  assert.equal(await page.textContent('#buy'), 'Bought');
  assert.ok(!s.vendors.hits.includes('/heat.js'));
  assert.deepEqual(page.thrown, []);
});

test('withdrawn while they are on their way, they stay out, and nobody complains', async () => {
  const context = await visitor();
  let go;
  const gone = new Promise((done) => (go = done));
  await context.route('**/tags/analytics.js*', async (route) => {
    await gone;
    await route.continue();
  });
  const page = await open('/?region=DE', context);
  await press(page, 'accept');
  await wait(() => context.tags.some((tag) => tag.startsWith('analytics')), 'the request');
  await s.receipt(page);
  await page.evaluate(() => volenti.withdraw());
  await wait(async () => (await page.evaluate(() => volenti.state.receipt)) && (await page.evaluate(() => !volenti.state.categories.analytics)), 'the withdrawal');
  go();
  await quiet();
  assert.ok(!s.vendors.hits.includes('/heat.js'));
  assert.deepEqual(page.said.filter((text) => text.includes('registered')), []);
});
