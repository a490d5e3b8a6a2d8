// The note that tells of a change of policy, against the WCAG 2.x rules, levels A and AA, that a machine can check, and by
// keyboard: to the right and to the left, light and dark, in a wide and in a narrow window.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, ready } from '../browser/harness.mjs';
import { findings, tooWide } from './axe.mjs';
import { notice, policy } from './notice.mjs';
import { wait, world } from './world.mjs';

const s = world();
const looks = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  '320 pixels': { viewport: { width: 320, height: 568 } },
};
const told = { en: 'Orders are kept for five years.', ar: 'تُحفظ الطلبات خمس سنوات.' };
const long = { en: 'What we keep of an order, and for how long, is said anew. '.repeat(10), ar: 'نذكر من جديد ما نحتفظ به من الطلب ومدة الاحتفاظ به. '.repeat(11) };

/** Publishes a version of the policy whose change visitors are told, and waits until they are. */
const change = async (sentence, summary) => {
  const at = async () => /"h":\d+/.exec(await (await fetch(s.server.base + '/b/shop.js?region=DE')).text())?.[0];
  const before = await at();
  const each = Object.entries(summary).flatMap(([lang, text]) => ['--summary', `${lang}=${text.trim()}`]);
  s.server.volenti('policy', 'import', s.server.file('next.md', policy(sentence)), '--site', 'shop', '--material', '--grace-days', '14', ...each);
  await wait(async () => (await at()) !== before, 'the new policy');
};
/** Visitors who know the text of now: one for every language and look. */
const visitors = async () => {
  const all = [];
  for (const lang of Object.keys(told))
    for (const [look, options] of Object.entries(looks)) {
      const visitor = await s.visitor({ ...options, reducedMotion: 'reduce' });
      const page = await s.open(`/?region=DE&lang=${lang}`, visitor);
      await press(page, 'reject');
      await s.receipt(page);
      all.push({ visitor, lang, what: `${lang}, ${look}` });
    }
  return all;
};
const open = async (visitor, lang, summary) => {
  const page = await s.open(`/?region=DE&lang=${lang}&told=${summary.en.length}`, visitor);
  await ready(page);
  await page.locator('volenti-note [data-volenti=ok]').waitFor();
  return page;
};
/** The region in the note, from inside. */
const inside = (page, look) => page.locator('volenti-note').getByRole('region').evaluate(look);

test('a notice in two directions', async () => {
  const file = notice({ origins: s.origins }).replace('["en", "de"]', '["en", "ar"]').replaceAll(/, de = "[^"]*"/g, ', ar = "يميّز الزوار."');
  s.server.volenti('notice', 'publish', s.server.file('notice-2.toml', file));
  await wait(async () => (await (await fetch(s.server.base + '/b/shop.js?region=DE&lang=ar')).text()).includes('قبول'), 'the notice in Arabic');
});

for (const [name, summary] of Object.entries({ 'a short change': told, 'a change of many words': long }))
  test(`no finding: ${name}`, async () => {
    const all = await visitors();
    await change(`We keep an order as long as this says: ${name}.`, summary);
    for (const { visitor, lang, what } of all) {
      const page = await open(visitor, lang, summary);
      assert.equal(await inside(page, (el) => getComputedStyle(el).direction), lang === 'ar' ? 'rtl' : 'ltr', what);
      assert.deepEqual(await findings(page), [], what);
      assert.deepEqual(await page.evaluate(tooWide), [], `${what}: nothing to scroll sideways (WCAG 1.4.10)`);
      const [scrolls, reachable] = await inside(page, (el) => [el.scrollHeight > el.clientHeight, el.tabIndex === 0]);
      assert.equal(reachable, scrolls, `${what}: by keyboard if it scrolls`);
      if (summary === long && what.endsWith('pixels')) assert.ok(scrolls, `${what}: too little to scroll`);
      assert.deepEqual(page.thrown, [], what);
    }
  });

test('the counter-check: axe finds what is wrong in a note', async () => {
  const [{ visitor, lang }] = await visitors();
  await change('We keep an order for one year.', { en: 'Orders are kept for a year.', ar: told.ar });
  const page = await open(visitor, lang, { en: 'counter-check' });
  await page.locator('volenti-note [data-volenti=ok]').evaluate((button) => (button.textContent = ''));
  assert.match((await findings(page)).join('\n'), /button-name/);
});
