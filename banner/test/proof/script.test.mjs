// The published snippet of each vendor, held by the page's script: unmarked, and marked. What counts is what reached the
// vendors, beside what reaches them from the same page without a banner.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mark, snippets, written } from './snippets.mjs';
import { navigate, patience, shop, stage, until } from './stage.mjs';
import { createStates } from './states.mjs';
import { press } from '../browser/harness.mjs';

const s = stage();
const optional = snippets.filter((snippet) => !snippet.essential);
const essential = snippets.filter((snippet) => snippet.essential);
const path = (how, group) => `${how}/${group.map(({ key }) => key).join('+')}`;

/** Snippets on one page, as sites have them. Those of Google that use the same library stand apart. */
const groups = [snippets.filter(({ key }) => !['google-tag-manager', 'google-ads'].includes(key)), snippets.filter(({ key }) => ['google-tag-manager', 'stripe', 'youtube', 'meta'].includes(key)), snippets.filter(({ key }) => key === 'google-ads')];
/** Which group speaks for a snippet: the first. */
const of = (group) => group.filter((snippet) => groups.find((g) => g.includes(snippet)) === group);

/** What reaches the vendors from a page without a banner: at its first load, and when the snippets are put in once more. */
const control = new Map();
test('without a banner every one of them reports', async () => {
  for (const group of groups) {
    const visitor = await s.visitor();
    const tab = await s.open(visitor, path('bare', group));
    await until(() => group.every(({ beacon }) => s.net.hits.some((hit) => hit.startsWith(beacon))), 'all of ' + group.map(({ key }) => key), patience);
    await s.settle();
    const first = new Map(group.map((snippet) => [snippet.key, s.trail(snippet)]));
    s.reset();
    await again(tab, 'live', group);
    await s.settle();
    control.set(group, { first, again: new Map(group.map((snippet) => [snippet.key, s.trail(snippet)])) });
    s.reset();
    await beat(tab);
    await s.settle();
    for (const { key, own } of of(group)) if (!['youtube', 'vimeo', 'google-maps', 'google-fonts', 'chain'].includes(key)) assert.ok(s.net.hits.some((hit) => own.some((start) => hit.startsWith(start))), `${key} reports what happens in the page`);
    assert.deepEqual(tab.thrown, []);
    await visitor.close();
  }
});

const again = (tab, how, group) => {
  const parts = group.map((snippet) => (how === 'marked' ? mark(snippet) : snippet));
  return navigate(tab, `/${how}/next`, parts.map(({ head = '', body = '' }) => head + body).join('\n'));
};
/** Something happens that tags measure. */
const beat = (tab) => tab.evaluate(() => void document.dispatchEvent(new Event('beat')));
const asked = (tab) => tab.locator('[data-volenti=reject]').first().waitFor();
const state = (tab, test) => tab.waitForFunction(test, undefined, { timeout: patience });
const recorded = (tab) => state(tab, () => window.volenti?.state?.receipt);
/** What the page's own lines throw without what is held, and nothing else. */
const thrown = (tab) => tab.thrown.filter((text) => text !== 'steps is not defined');
const heard = (tab, name) => tab.evaluate((of) => window.heard?.[of] ?? [], name);
/** Cookies on the vendors' own hosts, out of reach of the page. */
const foreign = ['fr', 'li_sugr', 'IDE', 'MUID', '_pinterest_ct', 'VISITOR_INFO1_LIVE'];
/**
 * What is kept in the browser that no refusal calls for: Plausible is told by an entry of its own that it may not count.
 * `may`: cookies that are no fault.
 */
const kept = async (tab, may = []) => {
  const cookies = (await tab.context().cookies()).map(({ name }) => name);
  const entries = await tab.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
  return [...cookies, ...entries].filter((name) => !['volenti', 'plausible_ignore', ...may].includes(name)).sort();
};

/** What a vendor is told last when consent is withdrawn, by the name it hears under. */
const revoked = { meta: 'revoke', tiktok: 'revokeConsent', pinterest: false, reddit: false, uet: 'denied', clarity: 'denied', hubspot: false, matomo: 'forgetConsentGiven', posthog: false, mixpanel: false, gtm: false };

const wrongOnes = (list) => assert.deepEqual(list, []);

for (const how of ['live', 'marked']) {
  const states = createStates(s, how);
  /** Of a page as it is published, a browser that reads ahead may fetch what is written in it, and may connect. */
  const ahead = (snippet) => (how === 'live' ? written(snippet) : []);
  /** And an answer to a frame may keep something on its own host before the frame is taken back. */
  const byFrame = how === 'live' ? ['VISITOR_INFO1_LIVE'] : [];
  const runs = (snippet, trail) => {
    const of = control.get(groups.find((group) => group.includes(snippet)));
    // Without a banner a chain that is put in by script is none; marked, it is.
    let want = of[how === 'marked' && snippet.chained ? 'first' : trail].get(snippet.key);
    let got = s.trail(snippet);
    if (how === 'live' && snippet.chained && trail === 'again') [want, got] = [want, got].map((list) => list.filter((address) => address.endsWith('.js')));
    // Put in once more, what is there already reports beside what is fetched.
    if (trail === 'again' && !snippet.chained) for (const list of [got, want]) list.sort();
    return JSON.stringify(got) === JSON.stringify(want) ? [] : [`reached by ${got.join(' ') || 'nothing'}`, `not by ${want.join(' ')}`];
  };
  /** Waits until that is so of all, or for good. */
  const arrives = async (group, check) => {
    await until(() => group.every((snippet) => check(snippet).length === 0), 'all', patience).catch(() => {});
    await s.settle();
  };

  test(`${how}: before a decision nothing runs, nothing is sent, nothing is kept`, async () => {
    const wrong = [];
    for (const snippet of optional) {
      const visitor = await s.visitor();
      const tab = await s.open(visitor, path(how, [snippet]));
      await asked(tab);
      await beat(tab);
      await s.settle(200);
      const keeps = await kept(tab, snippet.key === 'youtube' ? byFrame : []);
      if (s.net.hits.length + s.net.met.length === 0) states.silent.add(snippet.key);
      const sent = how === 'live' ? s.net.hits.filter((hit) => !ahead(snippet).some((start) => hit.startsWith(start))) : [...s.net.hits, ...s.net.met];
      const thrown = how === 'live' && snippet.chained ? [] : tab.thrown;
      wrong.push(...states.judge('before', [snippet], () => [...sent, ...keeps, ...thrown]));
      await visitor.close();
    }
    wrongOnes(wrong);
  });

  test(`${how}: essential ones run at once, where they stand, before and after every decision`, async () => {
    const visitor = await s.visitor();
    const tab = await s.open(visitor, path(how, essential));
    const runsAtOnce = async (state) => {
      await arrives(essential, (snippet) => runs(snippet, 'first'));
      // The snippet's next line calls what the script before it defines: were it late, that would throw.
      wrongOnes(states.judge(state, essential, (snippet) => [...runs(snippet, 'first'), ...tab.thrown]));
    };
    await asked(tab);
    await runsAtOnce('before');
    await press(tab, 'reject');
    await recorded(tab);
    s.reset();
    await tab.reload();
    await runsAtOnce('no, next');
    await tab.evaluate(() => volenti.acceptAll());
    await recorded(tab);
    s.reset();
    await tab.reload();
    await runsAtOnce('yes, next');
    await tab.evaluate(() => volenti.withdraw());
    await state(tab, () => !window.volenti.state.categories.marketing && window.volenti.state.receipt);
    s.reset();
    await tab.reload();
    await runsAtOnce('withdrawn, next');
    await visitor.close();
  });

  for (const group of groups) {
    const mine = of(group);
    const may = mine.filter((snippet) => !snippet.essential);
    const name = `${how}, ${mine.length} vendors on a page`;

    test(`${name}: after a no, and in what comes after it`, async () => {
      const visitor = await s.visitor();
      const tab = await s.open(visitor, path(how, group));
      await press(tab, 'reject');
      await recorded(tab);
      s.reset();
      await beat(tab);
      await s.settle();
      const keeps = await kept(tab, byFrame);
      wrongOnes(states.judge('no', may, (snippet) => [...states.sent(snippet), ...keeps]));

      await again(tab, how, group);
      await beat(tab);
      await s.settle();
      wrongOnes(states.judge('no, view', may, (snippet) => states.sent(snippet)));

      s.reset();
      await tab.goto(`${shop}/${path(how, group)}?region=DE`);
      await state(tab, () => window.volenti?.state);
      await beat(tab);
      await s.settle();
      assert.equal(await tab.locator('volenti-banner').count(), 0, 'not asked again');
      const still = await kept(tab, byFrame);
      wrongOnes(states.judge('no, next', may, (snippet) => [...states.sent(snippet, ahead(snippet)), ...still]));
      assert.deepEqual(thrown(tab), []);
      await visitor.close();
    });

    test(`${name}: after a yes each runs once and in order, here and in what comes after it`, async () => {
      const visitor = await s.visitor();
      const tab = await s.open(visitor, path(how, group));
      await asked(tab);
      await s.settle();
      // What was read ahead is not asked for again.
      const early = s.net.hits.filter((hit) => mine.some((snippet) => ahead(snippet).some((start) => hit.startsWith(start))));
      s.reset();
      await press(tab, 'accept');
      const once = (snippet) => {
        // The lines of an unmarked chain ran before there was a choice, and without what they need.
        const wanted = control.get(group).first.get(snippet.key).filter((address) => how === 'marked' || !snippet.chained || address.endsWith('.js'));
        const got = s.trail(snippet);
        const missing = wanted.filter((address) => !got.includes(address) && !early.includes(address));
        const order = wanted.filter((address) => got.includes(address));
        return missing.length || got.join() !== order.join() ? [`reached by ${got.join(' ') || 'nothing'}`, `not by ${wanted.join(' ')}`] : [];
      };
      await arrives(may, once);
      wrongOnes(states.judge('yes', may, once));
      await recorded(tab);

      s.reset();
      await again(tab, how, group);
      await arrives(may, (snippet) => runs(snippet, 'again'));
      wrongOnes(states.judge('yes, view', may, (snippet) => runs(snippet, 'again')));

      s.reset();
      await tab.goto(`${shop}/${path(how, group)}?region=DE`);
      await arrives(may, (snippet) => runs(snippet, 'first'));
      wrongOnes(states.judge('yes, next', may, (snippet) => runs(snippet, 'first')));

      s.reset();
      const second = await visitor.newPage();
      await second.goto(`${shop}/${path(how, group)}?region=DE`);
      await arrives(may, (snippet) => runs(snippet, 'first'));
      wrongOnes(states.judge('second tab', may, (snippet) => runs(snippet, 'first')));

      // Withdrawn in the second tab: the first one follows.
      await second.evaluate(() => volenti.withdraw());
      for (const each of [tab, second]) await state(each, () => window.volenti.state.decided && !window.volenti.state.categories.marketing);
      await state(second, () => window.volenti.state.receipt);
      await until(async () => (await kept(second, foreign)).length === 0, 'what was kept to go', patience).catch(() => {});
      await s.settle();
      const left = await kept(second, foreign);
      s.reset();
      for (const each of [tab, second]) await beat(each);
      await s.settle();
      const said = new Map();
      for (const [vendor, word] of Object.entries(revoked)) {
        const words = await heard(second, vendor);
        if (words.length && words.at(-1) !== word) said.set(vendor === 'gtm' ? 'google-tag-manager' : vendor, `was told ${words.join(' ')}`);
      }
      wrongOnes(states.judge('withdrawn', may, (snippet) => [...states.sent(snippet), ...left, ...(said.get(snippet.key) ? [said.get(snippet.key)] : [])]));
      s.reset();
      await second.reload();
      await state(second, () => window.volenti?.state);
      await beat(second);
      await s.settle();
      // Tags that still ran, and can't be told, may have kept something anew: it is gone here.
      const later = await kept(second, foreign);
      wrongOnes(states.judge('withdrawn, next', may, (snippet) => [...states.sent(snippet, ahead(snippet)), ...later]));
      assert.deepEqual(thrown(tab), []);
      await visitor.close();
    });
  }

  test(`${how}: one category is its vendors and nobody else`, async () => {
    for (const category of ['analytics', 'marketing', 'preferences'])
      for (const group of groups) {
        const visitor = await s.visitor();
        const tab = await s.open(visitor, path(how, group));
        await asked(tab);
        await tab.evaluate((only) => volenti.set({ analytics: false, marketing: false, preferences: false, [only]: true }), category);
        await recorded(tab);
        await s.settle();
        await tab.goto('about:blank');
        s.reset();
        await tab.goto(`${shop}/${path(how, group)}?region=DE`);
        const mine = of(group).filter((snippet) => !snippet.essential);
        const check = (snippet) => (snippet.category === category && !(how === 'live' && snippet.library) ? runs(snippet, 'first') : states.sent(snippet, [...ahead(snippet), ...(how === 'live' && snippet.library ? [snippet.library] : [])]));
        await arrives(mine, check);
        const allowed = states.judge(category, mine, check);
        await beat(tab);
        await s.settle();
        const still = (snippet) => (snippet.category === category ? [] : check(snippet));
        wrongOnes([...allowed, ...states.judge(category, mine, still)]);
        await visitor.close();
      }
  });

  test(`${how}: the table`, (t) => {
    t.diagnostic(`${how}: ${states.silent.size} of ${optional.length} pages with one snippet are entirely silent before a decision: no request, no connection`);
    for (const line of states.table()) t.diagnostic(line);
    if (how === 'marked') assert.equal(states.silent.size, optional.length);
  });
}

