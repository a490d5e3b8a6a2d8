// The same pages behind `volenti gate`: unmarked, and silent to the last.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snippets, written } from './snippets.mjs';
import { navigate, patience, shop, stage, until } from './stage.mjs';
import { press } from '../browser/harness.mjs';

const s = stage({ edge: true });
const optional = snippets.filter((snippet) => !snippet.essential);
const essential = snippets.filter((snippet) => snippet.essential);
const keys = (list) => list.map(({ key }) => key).join('+');
const together = snippets.filter(({ key }) => !['google-tag-manager', 'google-ads'].includes(key));
const beat = (tab) => tab.evaluate(() => void document.dispatchEvent(new Event('beat')));
const recorded = (tab) => tab.waitForFunction(() => window.volenti?.state?.receipt, undefined, { timeout: patience });
const report = (snippet) => s.net.hits.some((hit) => hit.startsWith(snippet.beacon));
/** What reached the vendors of these. */
const sent = (list) => list.flatMap((snippet) => s.trail(snippet));

test('before a decision every page is silent: no request, no connection, nothing kept', async (t) => {
  let silent = 0;
  for (const snippet of optional) {
    const visitor = await s.visitor();
    const tab = await s.open(visitor, 'live/' + snippet.key);
    await tab.locator('[data-volenti=reject]').first().waitFor();
    await beat(tab);
    await s.settle(200);
    const seen = [...s.net.hits, ...s.net.met, ...(await visitor.cookies()).map(({ name }) => name)];
    if (seen.length === 0) silent++;
    else t.diagnostic(`${snippet.key}: ${seen.join(' ')}`);
    await visitor.close();
  }
  t.diagnostic(`edge: ${silent} of ${optional.length} pages with one snippet are entirely silent before a decision`);
  assert.equal(silent, optional.length);
});

test('nor does anything leave a page without JavaScript', async () => {
  const visitor = await s.visitor({ javaScriptEnabled: false });
  await s.open(visitor, 'live/' + keys(optional));
  await s.settle(500);
  assert.deepEqual([s.net.hits, s.net.met, await visitor.cookies()], [[], [], []]);
  await visitor.close();
});

test('essential ones run at once, where they stand', async () => {
  const visitor = await s.visitor();
  const tab = await s.open(visitor, 'live/' + keys(essential));
  await until(() => essential.every(report), 'both', patience);
  assert.deepEqual(tab.thrown, []);
  await press(tab, 'reject');
  await recorded(tab);
  s.reset();
  await tab.reload();
  await until(() => essential.every(report), 'both', patience);
  assert.deepEqual(tab.thrown, []);
  await visitor.close();
});

test('a yes brings all of them, here and on the next page; a no and a withdrawal none', async () => {
  const may = together.filter((snippet) => !snippet.essential);
  const visitor = await s.visitor();
  const tab = await s.open(visitor, 'live/' + keys(together));
  await press(tab, 'reject');
  await recorded(tab);
  await navigate(tab, '/live/next', may.map(({ head = '', body = '' }) => head + body).join('\n'));
  await beat(tab);
  await s.settle();
  assert.deepEqual(sent(may), [], 'after a no, and in another view');
  s.reset();
  await tab.goto(`${shop}/live/${keys(together)}?region=DE`);
  await tab.waitForFunction(() => window.volenti?.state?.decided);
  await s.settle();
  assert.deepEqual(sent(may), [], 'the next page after a no');

  await tab.evaluate(() => volenti.acceptAll());
  // The lines of a chain that stand in the page ran before there was a choice.
  const here = may.filter((snippet) => !snippet.chained);
  await until(() => here.every(report), 'all of them', patience).catch(() => {});
  assert.deepEqual(here.filter((snippet) => !report(snippet)).map(({ key }) => key), []);
  await recorded(tab);
  await s.settle();
  s.reset();
  await tab.goto(`${shop}/live/${keys(together)}?region=DE`);
  await until(() => may.every(report), 'all of them on the next page', patience).catch(() => {});
  assert.deepEqual(may.filter((snippet) => !report(snippet)).map(({ key }) => key), []);
  await s.settle();
  for (const snippet of may) assert.equal(s.net.hits.filter((hit) => hit.startsWith(snippet.beacon)).length, 1, snippet.key + ' once');
  for (const address of may.flatMap(written).filter((address) => address.includes('/'))) assert.equal(s.net.hits.filter((hit) => hit.startsWith(address)).length, 1, address + ' once');

  await tab.evaluate(() => volenti.withdraw());
  await tab.waitForFunction(() => !window.volenti.state.categories.marketing && window.volenti.state.receipt, undefined, { timeout: patience });
  await s.settle();
  s.reset();
  await beat(tab);
  await tab.goto(`${shop}/live/${keys(together)}?region=DE`);
  await tab.waitForFunction(() => window.volenti?.state?.decided);
  await s.settle();
  assert.deepEqual(sent(may), [], 'withdrawn');
  await visitor.close();
});

test('one category is its vendors and nobody else', async () => {
  const may = together.filter((snippet) => !snippet.essential);
  for (const category of ['analytics', 'marketing', 'preferences']) {
    const visitor = await s.visitor();
    const tab = await s.open(visitor, 'live/' + keys(together));
    await tab.locator('[data-volenti=reject]').first().waitFor();
    await tab.evaluate((only) => volenti.set({ analytics: false, marketing: false, preferences: false, [only]: true }), category);
    await recorded(tab);
    await s.settle();
    await tab.goto('about:blank');
    s.reset();
    await tab.goto(`${shop}/live/${keys(together)}?region=DE`);
    const [its, others] = [may.filter((snippet) => snippet.category === category), may.filter((snippet) => snippet.category !== category)];
    await until(() => its.every(report), 'its vendors', patience).catch(() => {});
    await s.settle();
    assert.deepEqual([its.filter((snippet) => !report(snippet)).map(({ key }) => key), sent(others)], [[], []], category);
    await visitor.close();
  }
});
