// The other browser engines: Firefox and WebKit.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { quiet } from '../browser/harness.mjs';
import { drivers } from './drivers.mjs';
import { wait, world } from './world.mjs';

const s = world();
beforeEach(() => s.place('same host'));

/** What the visitor sees, and what has run. */
const look = `return {
  asked: !!document.querySelector('volenti-banner'),
  reopen: !!document.querySelector('volenti-reopen'),
  ran: (window.ran || []).join(''),
  cookie: document.cookie.split('; ').map((c) => c.split('=')[0]).join(),
  receipt: window.volenti && window.volenti.state && window.volenti.state.receipt || '',
}`;

for (const [name, { open, skip }] of Object.entries(drivers))
  test(`${name}: nothing before a decision; a no is kept; a yes runs the tags in order, then and on the next page`, { skip }, async () => {
    for (const answer of ['reject', 'accept']) {
      s.vendors.hits.length = 0;
      const browser = await open();
      try {
        const sees = () => browser.run(look);
        const page = s.origin + '/slow?region=DE';
        await browser.go(page);
        await wait(async () => (await sees()).asked, 'the banner');
        await quiet(800);
        assert.deepEqual(await sees(), { asked: true, reopen: false, ran: '', cookie: '', receipt: '' });
        assert.deepEqual(s.vendors.hits, []);

        await browser.click(`[data-volenti=${answer}]`);
        const want = answer === 'accept' ? 'ABCD' : '';
        await wait(async () => (await sees()).ran === want && (await sees()).receipt, 'the tags and the receipt');
        const { core } = JSON.parse(await s.server.receipt('shop', (await sees()).receipt));
        assert.equal(core.state, answer === 'accept' ? 'given' : 'refused');

        await browser.go(page + '&page=2');
        await wait(async () => (await sees()).ran === want && (await sees()).reopen, 'the next page');
        await quiet(800);
        const { asked, ran, cookie, receipt } = await sees();
        assert.deepEqual([asked, ran, cookie], [false, want, 'volenti']);
        assert.deepEqual([...new Set(s.vendors.hits)].sort(), answer === 'accept' ? ['/A.js', '/C.js'] : []); // WebKit may take the second ones from memory
        assert.equal(receipt, core.id);

        if (answer === 'accept') {
          await browser.run('volenti.withdraw()');
          await wait(async () => (await sees()).receipt && (await sees()).receipt !== core.id, 'the receipt of the withdrawal');
          await browser.go(page + '&page=3');
          await wait(async () => (await sees()).reopen, 'the page after it');
          await quiet(800);
          assert.equal((await sees()).ran, '');
        }
      } finally {
        await browser.end();
      }
    }
  });
