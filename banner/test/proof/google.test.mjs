// Consent Mode as Google sees it: what the hits of its tags say of consent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { consentMode } from './google.mjs';
import { patience, shop, stage, until } from './stage.mjs';
import { press } from '../browser/harness.mjs';

/** What gtag() puts into the data layer. */
const command = (...args) => (function () { return arguments; })(...args);
/** A tag in a region, with a clock of its own: what it sent, by type of consent. */
const tag = (region, ...entries) => {
  const sent = [];
  const timers = [];
  let clock = 0;
  const mode = consentMode({ region, send: (type, full, signals) => sent.push(`${full ? 'full' : 'less'} ${/gcs=(\w+)/.exec(signals)?.[1] ?? '–'}`), now: () => clock, later: (f, ms) => timers.push([clock + ms, f]) });
  for (const entry of entries) mode.take(entry);
  return {
    mode,
    sent,
    pass(ms) {
      clock += ms;
      for (const timer of timers.splice(0)) if (timer[0] <= clock) timer[1](); else timers.push(timer);
    },
  };
};
const all = (word, more) => ({ ad_storage: word, analytics_storage: word, ad_user_data: word, ad_personalization: word, ...more });

test('the pretended tag goes by the published rules', () => {
  const cases = [
    ['nobody said anything', [], 'full –'],
    ['a default', [command('consent', 'default', all('denied'))], 'less G100'],
    ['an array is no command', [['consent', 'default', all('denied')]], 'full –'],
    ['an update counts before a default that comes later', [command('consent', 'update', all('granted')), command('consent', 'default', all('denied'))], 'full G111'],
    ['a default for the country counts before one for all, in any order', [command('consent', 'default', all('denied', { region: ['DE'] })), command('consent', 'default', all('granted'))], 'less G100'],
    ['one for another country does not count', [command('consent', 'default', all('denied')), command('consent', 'default', all('granted', { region: ['US'] }))], 'less G100'],
    ['one type', [command('consent', 'default', all('denied')), command('consent', 'update', { analytics_storage: 'granted' })], 'full G101'],
  ];
  for (const [what, entries, want] of cases) {
    const { mode, sent } = tag('DE', ...entries);
    mode.hit('analytics_storage');
    assert.deepEqual(sent, [want], what);
  }
  const state = tag('US-CA', command('consent', 'default', all('granted', { region: ['US-CA'] })), command('consent', 'default', all('denied', { region: ['US'] })));
  state.mode.hit('ad_storage');
  assert.deepEqual(state.sent, ['full G111'], 'a state before its country');

  const waits = tag('DE', command('consent', 'default', all('denied', { wait_for_update: 500 })));
  waits.mode.hit('ad_storage');
  waits.pass(499);
  assert.deepEqual(waits.sent, []);
  waits.pass(1);
  assert.deepEqual(waits.sent, ['less G100'], 'no longer than that');
  const told = tag('DE', command('consent', 'default', all('denied', { wait_for_update: 500 })));
  told.mode.hit('ad_storage');
  told.mode.take(command('consent', 'update', all('granted')));
  assert.deepEqual(told.sent, ['full G111'], 'an update ends the wait');
});

const analytics = 'www.google-analytics.com/g/collect';
const ads = 'googleads.g.doubleclick.net/';
const beat = (tab) => tab.evaluate(() => void document.dispatchEvent(new Event('beat')));
const recorded = (tab) => tab.waitForFunction(() => window.volenti?.state?.receipt, undefined, { timeout: patience });
const ours = async (context) => (await context.cookies()).map(({ name }) => name).filter((name) => name !== 'volenti').sort();

for (const mode of ['advanced', 'basic'])
  describe(`${mode} mode`, () => {
    const s = stage({ google: mode });
    const hits = (start) => s.net.hits.filter((hit) => hit.startsWith(start)).map((hit) => new URL('https://' + hit).searchParams);
    const said = (start) => hits(start).map((q) => q.get('gcs'));
    const arrives = (start, gcs) => until(() => said(start).includes(gcs), `${gcs} at ${start}`, patience);

    test('before a choice and after a no', async () => {
      for (const how of ['live', 'marked']) {
        const visitor = await s.visitor();
        const tab = await s.open(visitor, how + '/ga4');
        await tab.locator('[data-volenti=reject]').first().waitFor();
        if (mode === 'advanced') {
          await arrives(analytics, 'G100');
          assert.deepEqual(hits(analytics).map((q) => q.get('gcd')), ['11p1p1p1p5'], 'denied by default');
        } else {
          await s.settle();
          assert.deepEqual(s.net.hits.filter((hit) => how === 'marked' || !hit.startsWith('www.googletagmanager.com/gtag/js')), []);
        }
        assert.deepEqual(await ours(visitor), []);
        s.reset();
        await press(tab, 'reject');
        await recorded(tab);
        await beat(tab);
        if (mode === 'advanced') await arrives(analytics, 'G100');
        await s.settle();
        if (mode === 'basic') assert.deepEqual(s.net.hits, []);
        assert.deepEqual(await ours(visitor), []);
        await visitor.close();
      }
    });

    test('after a yes, after half a one, and after a withdrawal', async () => {
      const visitor = await s.visitor();
      const tab = await s.open(visitor, 'marked/ga4');
      await tab.locator('[data-volenti=accept]').first().waitFor();
      await press(tab, 'accept');
      await arrives(analytics, 'G111');
      assert.equal(hits(analytics).at(-1).get('gcd'), '11r1r1r1r5', 'denied by default, granted since');
      assert.deepEqual(await ours(visitor), ['_ga', '_ga_PROOF00001']);
      await recorded(tab);
      s.reset();
      await tab.goto(`${shop}/live/ga4?region=DE`);
      await arrives(analytics, 'G111');
      assert.deepEqual(said(analytics), ['G111'], 'the first hit of the next page is told already');
      await tab.evaluate(() => volenti.set({ analytics: true, marketing: false }));
      await recorded(tab);
      s.reset();
      await tab.goto(`${shop}/live/ga4?region=DE`);
      await arrives(analytics, 'G101');
      assert.deepEqual(said(analytics), ['G101']);
      await tab.evaluate(() => volenti.set({ analytics: false, marketing: true }));
      await recorded(tab);
      s.reset();
      await tab.goto(`${shop}/marked/google-ads?region=DE`);
      await arrives(ads, 'G110');
      assert.ok(said(ads).every((gcs) => gcs === 'G110'));
      await tab.evaluate(() => volenti.withdraw());
      await tab.waitForFunction(() => !window.volenti.state.categories.marketing && window.volenti.state.receipt, undefined, { timeout: patience });
      await until(async () => !(await ours(visitor)).some((name) => /^_(ga|gcl)/.test(name)), 'the cookies to go', patience);
      s.reset();
      await beat(tab);
      if (mode === 'advanced') await arrives(ads, 'G100');
      await s.settle();
      if (mode === 'basic') assert.deepEqual(s.net.hits, []);
      await visitor.close();
    });

    test('what a page says that is no command changes nothing', async () => {
      const visitor = await s.visitor();
      const tab = await s.open(visitor, 'live/ga4');
      await tab.locator('[data-volenti=reject]').first().waitFor();
      await tab.evaluate(() => dataLayer.push(['consent', 'update', { analytics_storage: 'granted', ad_storage: 'granted' }]));
      await s.settle();
      s.reset();
      await beat(tab);
      if (mode === 'advanced') await arrives(analytics, 'G100');
      await s.settle();
      assert.ok(said(analytics).every((gcs) => gcs === 'G100'));
      assert.deepEqual(await ours(visitor), []);
      await visitor.close();
    });
  });
