// The WCAG 2.x rules, levels A and AA, that a machine can check (axe-core).
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

/** What axe finds: rule, and where. */
export const findings = async (page) => {
  await page.evaluate(axe);
  return page.evaluate(async (values) => {
    const { violations, passes } = await window.axe.run(document, { runOnly: { type: 'tag', values } });
    if (passes.length < 5) throw new Error('axe saw no page');
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.target} ${node.failureSummary}`));
  }, levels);
};

/** What is wider than the window: the page, or one of ours, which lie above it. Runs in the page. */
export const tooWide = () =>
  [document.documentElement, ...document.querySelectorAll('volenti-banner, volenti-banner dialog > *, volenti-reopen, volenti-placeholder'), ...(document.querySelector('volenti-note')?.shadowRoot.children ?? [])]
    .filter((el) => el.scrollWidth > innerWidth || el.getBoundingClientRect().right > innerWidth || el.getBoundingClientRect().left < 0)
    .map((el) => el.localName);

/** Judges a page by axe, light and dark, on a screen and a telephone, and that it fits, from left to right and from right to left. */
export const fits = async (page) => {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 800 });
      assert.deepEqual(await findings(page), [], `${colorScheme} ${width}`);
      for (const dir of ['ltr', 'rtl']) {
        await page.evaluate((dir) => (document.documentElement.dir = dir), dir);
        assert.deepEqual(await page.evaluate(tooWide), [], `${dir} ${width}`);
      }
      await page.evaluate(() => document.documentElement.removeAttribute('dir'));
    }
  }
};
