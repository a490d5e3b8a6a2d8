// The looks and messages that a notice can have, against the WCAG 2.x rules, levels A and AA, that a machine can check.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { control, press, recorded, site } from './harness.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];
const findings = async (page) => {
  await page.evaluate(axe);
  return page.evaluate(async (values) => {
    const { violations, passes } = await axe.run(document, { runOnly: { type: 'tag', values } });
    if (passes.length < 5) throw new Error('axe saw no page');
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.target} ${node.failureSummary}`));
  }, levels);
};
/** What of ours is wider than the window, or not all in it sideways. */
const tooWide = () =>
  [document.documentElement, ...document.querySelectorAll('volenti-banner, volenti-banner > *, volenti-banner dialog > *'), ...(document.querySelector('volenti-status')?.shadowRoot.children ?? [])]
    .filter((el) => el.scrollWidth > innerWidth || el.getBoundingClientRect().right > innerWidth || el.getBoundingClientRect().left < 0)
    .map((el) => el.localName + '.' + el.className);

const views = {
  wide: { viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 320, height: 568 } },
  'zoomed in': { viewport: { width: 640, height: 360 }, deviceScaleFactor: 2 },
};
const german = 'lang=de';
const arabic = 'lang=ar';
const check = (s, name, path, then) =>
  test(`no finding: ${name}`, async () => {
    for (const [view, options] of Object.entries(views))
      for (const lang of [german, arabic]) {
        const page = await s.open(`${path}?${lang}`, await s.visitor({ ...options, reducedMotion: 'reduce' }));
        await control(page, 'reject').waitFor();
        await then?.(page);
        assert.deepEqual(await findings(page), [], `${view} ${lang}`);
        assert.deepEqual(await page.evaluate(tooWide), [], `${view} ${lang}: nothing to scroll sideways (WCAG 1.4.10)`);
      }
  });
const notice = (look) => site({ change: { languages: ['de', 'ar'], look: { theme: 'auto', ...look } } });
const withdrawn = async (page) => {
  await press(page, 'accept');
  await recorded(page);
  await page.locator('volenti-reopen button').click();
  await page.locator('dialog [data-volenti=withdraw]').click();
  await page.locator('volenti-status [data-volenti=remains]').waitFor();
};

describe('messages', () => {
  const s = notice({});
  check(s, 'undo, and what partners still hold', '/plain.html', withdrawn);
  check(s, 'the list of it', '/plain.html', async (page) => {
    await withdrawn(page);
    await page.locator('[data-volenti=remains]').click();
    await page.locator('[data-volenti=remaining]').waitFor();
  });
  check(s, 'a choice that is undone', '/plain.html', async (page) => {
    await press(page, 'reject');
    await page.locator('[data-volenti=undo]').click();
    await control(page, 'reject').waitFor();
  });
});
for (const [name, look, path] of [
  ['a layer in the page', { position: 'inline', logo: '/none.svg' }, '/inline.html'],
  ['a modal layer', { position: 'bottom-end', modal: true, logo: '/none.svg' }, '/plain.html'],
  ['a layer in the middle', { position: 'center' }, '/plain.html'],
  ['a layer on top', { position: 'top' }, '/plain.html'],
])
  describe(name, () => check(notice(look), name, path));
