// Some of the snippets in Firefox and WebKit, at hosts that lead to this machine by their names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drivers } from '../e2e/drivers.mjs';
import { snippets } from './snippets.mjs';
import { patience, stage, until } from './stage.mjs';

const chosen = snippets.filter(({ key }) => ['ga4', 'meta', 'linkedin', 'clarity', 'hotjar', 'youtube', 'chain', 'stripe'].includes(key));
const optional = chosen.filter((snippet) => !snippet.essential);
const s = stage({ plain: chosen });

const look = `return {
  asked: !!document.querySelector('volenti-banner'),
  decided: !!(window.volenti && window.volenti.state && window.volenti.state.decided),
  receipt: window.volenti && window.volenti.state && window.volenti.state.receipt || '',
  kept: document.cookie.split('; ').map((c) => c.split('=')[0]).concat(Object.keys(localStorage)).filter((name) => name && name !== 'volenti'),
}`;
const beat = `document.dispatchEvent(new Event('beat'))`;
const reported = ({ beacon }) => s.net.hits.filter((hit) => hit.startsWith(beacon)).length;

for (const [name, { open, skip }] of Object.entries(drivers))
  for (const how of ['live', 'marked'])
    test(`${name}, ${how}: nothing without consent; with it each once; essential ones always`, { skip }, async () => {
      const browser = await open();
      const keys = chosen.map(({ key }) => key).join('+');
      const go = (more = '') => browser.go(`${s.shop}/${how}/${keys}?region=DE${more}`);
      const sees = () => browser.run(look);
      /** What was not written in the page itself, of vendors that may not load. */
      const sent = (list = optional) => list.flatMap((snippet) => s.trail(snippet)).filter((hit) => how === 'marked' || !/^(www.googletagmanager.com|www.youtube.com\/embed|\w+.chain-proof.test\/[AC])/.test(hit));
      try {
        s.reset();
        await go();
        await until(async () => (await sees()).asked, 'the banner', patience);
        await browser.run(beat);
        await s.settle(700);
        assert.deepEqual([sent(), (await sees()).kept], [[], []], 'before a decision');
        assert.equal(reported(chosen.find(({ key }) => key === 'stripe')), 2, 'Stripe runs, and hears what happens in the page');

        await browser.click('[data-volenti=reject]');
        await until(async () => (await sees()).receipt, 'the receipt of the no', patience);
        s.reset();
        await go('&n=2');
        await until(async () => (await sees()).decided, 'the next page', patience);
        await browser.run(beat);
        await s.settle(700);
        assert.deepEqual([sent(), (await sees()).kept], [[], []], 'after a no');

        const no = (await sees()).receipt;
        await browser.run('volenti.acceptAll()');
        const here = optional.filter((snippet) => how === 'marked' || !snippet.chained);
        await until(() => here.every(reported), 'all after a yes', patience).catch(() => {});
        assert.deepEqual(here.filter((snippet) => !reported(snippet)).map(({ key }) => key), []);
        await until(async () => (await sees()).receipt !== no, 'the receipt of the yes', patience);
        await s.settle(700);
        s.reset();
        await go('&n=3');
        await until(() => optional.every(reported), 'all on the next page', patience).catch(() => {});
        await s.settle(700);
        assert.deepEqual(optional.map((snippet) => `${snippet.key} ${reported(snippet)}`), optional.map(({ key }) => `${key} 1`));

        const yes = (await sees()).receipt;
        await browser.run('volenti.withdraw()');
        await until(async () => ![yes, ''].includes((await sees()).receipt), 'the receipt of the withdrawal', patience);
        await s.settle(700);
        s.reset();
        await browser.run(beat);
        await go('&n=4');
        await until(async () => (await sees()).decided, 'the page after it', patience);
        await browser.run(beat);
        await s.settle(700);
        assert.deepEqual([sent(), (await sees()).kept], [[], []], 'after a withdrawal');
      } finally {
        await browser.end();
      }
    });
