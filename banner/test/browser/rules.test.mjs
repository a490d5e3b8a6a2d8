// Visitors' consent tools answer for them: by our rules for two of them, and by guessing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { control, recorded, site, until } from './harness.mjs';
import { autoconsent, consentOMatic, heuristic } from './tools.mjs';

const s = site();
const rule = (name) => JSON.parse(readFileSync(new URL(`../../../web/integrations/rules/${name}.json`, import.meta.url), 'utf8'));

/** What the server was told, once it was told something. */
const decision = async (page) => {
  await recorded(page);
  const all = await s.decisions();
  assert.equal(all.length, 1);
  const { categories, action } = all[0];
  return { action, ...categories };
};
const all = (answer) => ({ preferences: answer, analytics: answer, marketing: answer });
const asked = async (query = '') => {
  const page = await s.open('/plain.html' + query);
  await control(page, 'reject').waitFor();
  return page;
};

for (const query of ['', '?m=-ooo'])
  test(`autoconsent refuses where the law is ${query || 'opt-in'}, and sees that it did`, async () => {
    const page = await asked(query);
    const run = (list) => page.evaluate(autoconsent, { rule: rule('autoconsent'), list });
    assert.deepEqual([await run('detectCmp'), await run('detectPopup'), await run('test'), await run('optOut'), await run('test')], [true, true, false, true, true]);
    assert.deepEqual(await decision(page), { action: 'reject_all', ...all(false) });
  });

test('autoconsent accepts for whoever wants that', async () => {
  const page = await asked();
  assert.equal(await page.evaluate(autoconsent, { rule: rule('autoconsent'), list: 'optIn' }), true);
  assert.deepEqual(await decision(page), { action: 'accept_all', ...all(true) });
});

for (const [name, allowed, want] of [
  ['nothing', [], { action: 'reject_all', ...all(false) }],
  ['everything', ['A', 'B', 'D', 'E', 'F', 'X'], { action: 'accept_all', ...all(true) }],
  ['statistics only', ['B'], { action: 'save', ...all(false), analytics: true }],
])
  test(`Consent-O-Matic allows ${name}`, async () => {
    const page = await asked();
    assert.equal(await page.evaluate(consentOMatic, { rule: rule('consent-o-matic'), allowed }), true);
    assert.deepEqual(await decision(page), want);
  });

test('a tool without a rule finds one refusal, by its words, in the light DOM', async () => {
  for (const query of ['', '?m=-ooo', '?m=-nnn']) {
    const page = await s.open('/plain.html' + query);
    await control(page, 'reject').waitFor();
    assert.equal(await page.evaluate(heuristic), 1, query);
    await recorded(page);
    assert.equal((await s.decisions()).at(-1).action, 'reject_all', query);
    await page.context().close();
  }
});

test('where nobody is asked the tools find nothing', async () => {
  const page = await asked();
  await control(page, 'reject').click();
  await until(async () => (await page.locator('volenti-banner').count()) === 0);
  assert.equal(await page.evaluate(autoconsent, { rule: rule('autoconsent'), list: 'detectCmp' }), false);
  assert.equal(await page.evaluate(consentOMatic, { rule: rule('consent-o-matic'), allowed: [] }), false);
  assert.equal(await page.evaluate(heuristic), 0);
});
