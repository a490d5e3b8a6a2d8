// Every page of ours against the WCAG 2.x rules, levels A and AA, that a machine can check (axe-core).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press } from '../browser/harness.mjs';
import { findings, tooWide } from './axe.mjs';
import { policy } from './notice.mjs';
import { wait, world } from './world.mjs';

const s = world({ serve: ['--demo-enabled'] });

const server = (path) => async (visitor) => s.open(s.server.base + path, visitor);
const shop = (path, then) => async (visitor) => {
  const page = await s.open(path + '?region=DE', visitor);
  await control(page, 'reject').waitFor();
  await then?.(page);
  return page;
};
const settings = async (page) => {
  await press(page, 'settings');
  await page.locator('dialog [data-volenti=save]').waitFor();
};
const places = {
  'first layer': shop('/'),
  'second layer': shop('/', settings),
  'second layer with everything open': shop('/', async (page) => {
    await settings(page);
    for (const summary of await page.locator('dialog summary').all()) await summary.click();
  }),
  'second layer after a decision': shop('/', async (page) => {
    await press(page, 'accept');
    await s.receipt(page);
    await page.locator('volenti-reopen button').click();
    await page.locator('dialog [data-volenti=withdraw]').waitFor();
  }),
  'control that opens the choices again': shop('/', async (page) => {
    await press(page, 'reject');
    await page.locator('volenti-reopen button').waitFor();
  }),
  placeholder: shop('/film', (page) => page.locator('volenti-placeholder').waitFor()),
  'policy page': server('/policies/shop/privacy'),
  'older version of it': server('/policies/shop/privacy/versions/1'),
  'versions page': server('/policies/shop/privacy/versions'),
  'choices without script': server('/privacy/shop/choices?region=DE'),
  'choices without script, in another region and language': server('/privacy/shop/choices?region=US-TX&lang=de'),
  'choices without script, after a decision': async (visitor) => {
    const page = await s.open(s.server.base + '/privacy/shop/choices?region=DE', visitor);
    await page.locator('summary').first().click();
    await page.locator('[data-volenti=accept]').click();
    await page.getByRole('status').waitFor();
    return page;
  },
  'cookie declaration': server('/privacy/shop/cookies'),
  'page of a problem': server('/policies/shop/nothing'),
  'demo page': async (visitor) => {
    const page = await s.open(`http://localhost:${s.server.port}/demo/?region=DE&lang=en`, visitor);
    await control(page, 'reject').waitFor();
    await wait(async () => (await page.locator('volenti-placeholder').count()) === 2, 'the placeholders');
    return page;
  },
};
const looks = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  '320 pixels': { viewport: { width: 320, height: 568 } },
};

test('a second version of the policy, so that there is an older one', () => {
  s.server.volenti('policy', 'import', s.server.file('second.md', policy('We keep an order for ten years.')), '--site', 'shop');
});

for (const [place, open] of Object.entries(places))
  test(`no finding: ${place}`, async () => {
    for (const [look, options] of Object.entries(looks)) {
      const page = await open(await s.visitor({ ...options, reducedMotion: 'reduce' }));
      assert.deepEqual(await findings(page), [], look);
      assert.deepEqual(await page.evaluate(tooWide), [], `${look}: nothing to scroll sideways (WCAG 1.4.10)`);
    }
  });

test('the counter-check: axe finds what is wrong in a banner', async () => {
  const page = await shop('/')(await s.visitor());
  await control(page, 'reject').evaluate((button) => {
    button.textContent = '';
    button.removeAttribute('aria-label');
  });
  assert.match((await findings(page)).join('\n'), /button-name/);
});
