// What every adapter owes its vendor, in one order: denied before any tag, told before the tag runs, told once a page,
// revoked when consent is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ready, recorded, site, until } from './harness.mjs';
import { vendors } from './pretend.mjs';

const platforms = ['shopify', 'wp'];
const s = site({
  change: {
    google: { mode: 'basic', wait_for_update: 500, ads_data_redaction: false, url_passthrough: false },
    vendors: [...Object.entries(vendors), ...platforms.map((name) => [name, { category: 'necessary' }])].map(([name, { category, key = name }]) => ({
      key, name, category, country: '', policy_url: '', entries: [], hosts: [], api: name,
    })),
  },
});

const page = (tags, query) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<script>window.heard = []; window.sent = []; window.trace = [];</script>
<script src="/b/shop.js${query}"></script>${tags}</head><body><h1>Shop</h1></body></html>`;

/** How a site pastes the tag: held by the gate, or left to itself. */
const held = (name, { category, key = name, tag }) => `<script type="text/plain" data-category="${category}" data-service="${key}">trace.push('tag'); (function ${tag})()</script>`;
const loose = (_, { tag }) => `<script>trace.push('tag'); (function ${tag})()</script>`;

/** Opens the page with one vendor's tag, for a visitor who keeps what he decided. */
const visit = async (name, paste, { query = '', context } = {}) => {
  context ??= await s.visitor();
  context.pasted ??= await context.route('**/adapters*', (route) => route.fulfill({ contentType: 'text/html', body: page(...context.answer) })) ?? true;
  context.answer = [paste(name, vendors[name]), query];
  const opened = await s.open('/adapters' + query, context);
  opened.look = () => opened.evaluate(() => ({ heard: [...heard], sent: [...sent], trace: [...trace] }));
  opened.hit = () => opened.evaluate(`(${vendors[name].hit})()`);
  opened.vendorCame = () => until(async () => (await opened.look()).sent.length > 0, name + ' to send');
  return opened;
};
const flat = (vendor, ...words) => words.flatMap((word) => (vendor[word] === undefined ? [] : vendor.several === true || vendor.several === word ? vendor[word] : [vendor[word]]));
const asHeard = (vendor, ...words) => {
  // What is ahead of a queue is the latest word only; a vendor that has its word once hears no other.
  const said = vendor.ahead ? words.slice(-1) : words;
  return flat(vendor, ...said);
};

const neverHeard = (heard, words) => {
  for (const word of words) assert.ok(!heard.some((h) => JSON.stringify(h) === JSON.stringify(word)), `it heard ${JSON.stringify(word)}`);
};

for (const [name, vendor] of Object.entries(vendors)) {
  test(`${name}: nothing before a decision, told before its tag runs, revoked with consent`, async () => {
    const p = await visit(name, held);
    await quiet(200);
    assert.deepEqual(await p.look(), { heard: [], sent: [], trace: [] }, 'before a decision');
    await press(p, 'accept');
    await p.vendorCame();
    const after = await p.look();
    assert.deepEqual(after.trace, ['tag'], 'once');
    assert.deepEqual(after.heard, asHeard(vendor, 'denied', 'granted'), 'denied first, then granted');
    assert.deepEqual(after.sent, [vendor.first], 'what it sends');
    await recorded(p);
    if (vendor.hit) {
      await p.hit();
      assert.equal((await p.look()).sent.at(-1), 'hit');
    }
    const heard = (await p.look()).heard.length;
    await p.evaluate(() => volenti.withdraw());
    await p.waitForFunction(() => !volenti.state.categories.analytics && !volenti.state.categories.marketing);
    assert.deepEqual((await p.look()).heard.slice(heard), flat(vendor, 'revoked'), 'told of the withdrawal');
    if (!vendor.hit) return;
    const { sent } = await p.look();
    await p.hit();
    await quiet(50);
    assert.deepEqual((await p.look()).sent.slice(sent.length), vendor.less ? [vendor.less] : [], 'after the withdrawal');
    assert.deepEqual(p.thrown, []);
  });

  test(`${name}: granted from the start of the next page, and not there after a refusal`, async () => {
    const context = await s.visitor();
    const first = await visit(name, held, { context });
    await press(first, 'accept');
    await recorded(first);
    const next = await visit(name, held, { context });
    await next.vendorCame();
    await quiet(100);
    const { heard, sent } = await next.look();
    neverHeard(heard, flat(vendor, 'denied', 'revoked'));
    const granted = asHeard(vendor, 'granted');
    assert.deepEqual(heard.slice(heard.length - granted.length), granted);
    assert.deepEqual(sent, [vendor.first]);
    await next.evaluate(() => volenti.rejectAll());
    await recorded(next);
    const last = await visit(name, held, { context });
    await ready(last);
    await quiet(200);
    assert.deepEqual(await last.look(), { heard: [], sent: [], trace: [] });
  });

  test(`${name}: where tags run until objected it is granted from the start, and revoked by a no`, async () => {
    const p = await visit(name, held, { query: '?m=-ooo' });
    await p.vendorCame();
    const { heard, sent } = await p.look();
    assert.deepEqual(sent, [vendor.first]);
    neverHeard(heard, flat(vendor, 'denied', 'revoked'));
    await press(p, 'reject');
    await recorded(p);
    if (vendor.revoked) {
      const last = flat(vendor, 'revoked');
      assert.deepEqual((await p.look()).heard.slice(-last.length), last);
    }
    if (!vendor.hit) return;
    await p.hit();
    await quiet(50);
    assert.equal((await p.look()).sent.at(-1), vendor.less ?? vendor.first);
  });

  // A tag that the site loads by itself: the vendor's own consent interface is all there is.
  if (vendor.denied !== undefined)
    test(`${name}: a tag that nobody holds hears first that it is denied`, async () => {
      const p = await visit(name, loose);
      await until(async () => (await p.look()).heard.length > 0);
      await quiet(100);
      const before = await p.look();
      assert.deepEqual(before.heard, flat(vendor, 'denied'));
      if (vendor.while === 'hold' || (vendor.while === 'drop' && name !== 'gtag')) assert.deepEqual(before.sent, [], 'nothing leaves');
      if (vendor.less || name === 'gtag') assert.match(before.sent[0], /cookieless|asc=D/);
      await press(p, 'accept');
      await until(async () => (await p.look()).heard.length > before.heard.length);
      if (vendor.while === 'hold') assert.deepEqual((await p.look()).sent, [vendor.first], 'what was held goes out');
      assert.deepEqual(p.thrown, []);
    });

  // It runs before the gate's module can be there, and what it sends first is what counts.
  if (vendor.denied !== undefined)
    test(`${name}: on the next page a tag that nobody holds finds what was granted`, async () => {
      const context = await s.visitor();
      const first = await visit(name, held, { context });
      await press(first, 'accept');
      await recorded(first);
      const next = await visit(name, loose, { context });
      await next.vendorCame();
      await quiet(100);
      const { heard, sent } = await next.look();
      assert.equal(sent[0], vendor.first);
      neverHeard(heard, flat(vendor, 'denied', 'revoked'));
      assert.deepEqual(next.thrown, []);
    });
}

test('matomo: what was tracked after a refusal is never sent', async () => {
  const p = await visit('matomo', loose);
  await until(async () => (await p.look()).heard.length > 0);
  await press(p, 'reject');
  await p.hit();
  await p.evaluate(() => volenti.acceptAll());
  await recorded(p);
  await quiet(100);
  assert.deepEqual((await p.look()).sent, [], 'its script keeps hits: this page stays without');
  // While its script is not there, hits wait in the list.
  const q = await visit('matomo', held);
  await press(q, 'reject');
  await q.evaluate(() => _paq.push(['trackEvent', 'refused']));
  await q.evaluate(() => volenti.acceptAll());
  await q.vendorCame();
  assert.deepEqual((await q.look()).sent, ['trackPageView'], 'only what came after the consent');
});

test('what a page has defined is never replaced', async () => {
  const context = await s.visitor();
  await context.addInitScript(() => {
    window.calls = [];
    for (const name of ['clarity', 'fbq', 'pintrk', 'rdt', 'alloy']) window[name] = (...args) => (calls.push([name, args[0]]), Promise.resolve());
    for (const name of ['uetq', '_paq', '_hsp', 'dataLayer']) window[name] = Object.assign([], { own: true });
    window.mine = { clarity, fbq, pintrk, rdt, alloy, uetq, _paq, _hsp, dataLayer };
  });
  const p = await visit('plausible', held, { context });
  await press(p, 'accept');
  await recorded(p);
  assert.deepEqual(await p.evaluate(() => Object.keys(mine).filter((name) => window[name] !== mine[name])), []);
  assert.deepEqual(await p.evaluate(() => [...new Set(calls.map(([name]) => name))].sort()), ['alloy', 'clarity', 'fbq', 'pintrk', 'rdt']);
  assert.deepEqual(p.thrown, []);
});

test('an element that has a vendor’s name is no vendor', async () => {
  const context = await s.visitor();
  const names = ['dataLayer', 'uetq', 'clarity', 'fbq', '_paq', 'ttq', 'pintrk', 'rdt', 'alloy', '_hsp', 'mixpanel', 'posthog', 'analytics', 'Shopify', 'hasOwnProperty'];
  const clobber = () => `${names.map((n) => `<form id="${n}"></form>`).join('')}${held('meta', vendors.meta)}`;
  const p = await visit('meta', clobber, { context });
  await press(p, 'accept');
  await p.vendorCame();
  await recorded(p);
  assert.deepEqual((await p.look()).sent, ['PageView']);
  assert.deepEqual(p.thrown, []);
});

test('an adapter that fails takes nothing with it', async () => {
  const context = await s.visitor();
  await context.addInitScript(() => Object.freeze((window.uetq = [])));
  const p = await visit('meta', held, { context });
  await press(p, 'accept');
  await p.vendorCame();
  assert.deepEqual((await p.look()).heard, asHeard(vendors.meta, 'granted'));
  assert.ok(p.said.some((line) => line.startsWith('warning: volenti:')), 'it is said on the console');
});

test('a shop platform is told after a decision, not before', async () => {
  const context = await s.visitor();
  await context.addInitScript(() => {
    window.asked = [];
    window.Shopify = {
      loadFeatures(features, done) {
        asked.push(features[0].name);
        Shopify.customerPrivacy = { setTrackingConsent: (consent, then) => (asked.push(consent), then()) };
        done();
      },
    };
  });
  const p = await visit('meta', held, { context });
  await quiet(100);
  assert.deepEqual(await p.evaluate(() => asked), []);
  await p.evaluate(() => volenti.set({ analytics: true, marketing: false, preferences: true }));
  await recorded(p);
  assert.deepEqual(await p.evaluate(() => asked), ['consent-tracking-api', { preferences: true, analytics: true, marketing: false, sale_of_data: false }]);
});

test('plugins of WordPress are told through its consent API', async () => {
  const context = await s.visitor();
  await context.addInitScript(() => {
    window.asked = [];
    document.addEventListener('wp_consent_type_defined', () => asked.push(wp_consent_type));
  });
  const api = () => `<script>function wp_set_consent(category, value) { asked.push(category + ' ' + value); }</script>`;
  const p = await visit('meta', api, { context });
  await until(() => p.evaluate(() => asked.length > 0));
  await p.evaluate(() => volenti.set({ analytics: true, marketing: false, preferences: false }));
  await recorded(p);
  assert.deepEqual(await p.evaluate(() => asked), ['optin', 'functional allow', 'preferences deny', 'statistics allow', 'statistics-anonymous allow', 'marketing deny']);
  const q = await visit('meta', api, { context: await s.visitor(), query: '?m=-ooo' });
  await until(() => q.evaluate(() => window.wp_consent_type));
  assert.equal(await q.evaluate(() => wp_consent_type), 'optout');
});

test('Consent Mode heeds a vendor that is refused by itself', async () => {
  const p = await visit('meta', held);
  await p.evaluate(() => volenti.set({ analytics: true, marketing: true, preferences: true, ga4: false }));
  await recorded(p);
  const update = await p.evaluate(() => [...dataLayer].filter((e) => e[1] === 'update').at(-1)[2]);
  assert.deepEqual([update.analytics_storage, update.ad_storage], ['denied', 'granted']);
});
