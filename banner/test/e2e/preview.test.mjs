// The preview of a notice, opened from disk: the real banner, without a server.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { install, patience } from './installation.mjs';
import { notice } from './notice.mjs';

const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
let server, browser, folder;

before(async () => {
  server = await install();
  const file = server.file('notice.toml', notice({ origins: ['https://shop.test'] }));
  folder = join(dirname(file), 'preview');
  server.volenti('notice', 'preview', file, '-o', folder);
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
});
after(async () => {
  await browser?.close();
  await server?.end();
});

for (const regime of ['opt-in', 'opt-out', 'notice'])
  test(`${regime}: both layers open from disk, and nothing is sent`, async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(patience);
    const asked = [];
    page.on('request', (r) => /^(?:data|blob):/.test(r.url()) || asked.push(r.url()));
    const at = pathToFileURL(join(folder, regime + '.en.html')).href;
    for (const time of ['at first', 'when it is opened again']) {
      await page.goto(at);
      const control = (name) => page.locator(`[data-volenti=${name}]`).first();
      await control('settings').click();
      await control('save').click();
      await page.locator('[data-volenti=save]').waitFor({ state: 'hidden' });
      assert.deepEqual(asked.filter((url) => url !== at), [], time);
    }
    await page.close();
  });
