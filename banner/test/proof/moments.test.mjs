// Moments that differ from a visit as usual: without JavaScript, a page that comes back as it was left, one that is
// rendered before anybody sees it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { snippets, written } from './snippets.mjs';
import { executablePath, patience, shop, stage, until } from './stage.mjs';
import { press } from '../browser/harness.mjs';

const s = stage();
const whole = existsSync('/usr/bin/chromium') && '/usr/bin/chromium';
const optional = snippets.filter((snippet) => !snippet.essential);
const keys = (list) => list.map(({ key }) => key).join('+');
/** One of each way to stand in a page, and of each way to report. */
const few = snippets.filter(({ key }) => ['ga4', 'meta', 'hotjar', 'youtube', 'intercom', 'chain'].includes(key));
const of = (snippet) => s.trail(snippet);
const beat = (tab) => tab.evaluate(() => void document.dispatchEvent(new Event('beat')));
const recorded = (tab) => tab.waitForFunction(() => window.volenti?.state?.receipt, undefined, { timeout: patience });

test('without JavaScript marked ones are silent, and unmarked ones need the edge', async (t) => {
  const visitor = await s.visitor({ javaScriptEnabled: false });
  const tab = await s.open(visitor, 'marked/' + keys(optional));
  await s.settle();
  assert.deepEqual([s.net.hits, s.net.met, await visitor.cookies()], [[], [], []]);
  // No script of ours runs there either.
  s.reset();
  await tab.goto(`${shop}/live/${keys(optional)}`);
  await s.settle();
  const loud = optional.filter((snippet) => of(snippet).length);
  t.diagnostic(`unmarked, without JavaScript: ${optional.length - loud.length} of ${optional.length} silent; the others need the edge: ${keys(loud).replaceAll('+', ', ')}`);
  assert.ok(loud.some(({ key }) => key === 'meta') && loud.some(({ key }) => key === 'youtube'), 'else this page shows nothing');
  await visitor.close();
});

test('a page that comes back as it was left obeys what was decided meanwhile', { skip: !whole && 'chromium-headless-shell keeps no page as it was left: install chromium' }, async () => {
  const browser = await s.launch(whole);
  try {
    for (const how of ['live', 'marked']) {
      const visitor = await s.visitor({}, browser);
      const tab = await s.open(visitor, `${how}/${keys(few)}`);
      await press(tab, 'accept');
      await recorded(tab);
      const here = few.filter((snippet) => how === 'marked' || !snippet.chained);
      const missing = () => here.filter(({ beacon }) => !s.net.hits.some((hit) => hit.startsWith(beacon))).map(({ key }) => key);
      await until(() => missing().length === 0, 'the tags', patience).catch(() => assert.deepEqual(missing(), []));
      await s.settle();
      const away = async (decide) => {
        await tab.evaluate(() => {
          window.left = true;
        });
        await tab.goto(`${shop}/${how}/ga4?region=DE`);
        await tab.waitForFunction(() => window.volenti?.state?.decided);
        await decide?.();
        await s.settle();
        s.reset();
        // Not goBack(): that waits for a load which there is not.
        await tab.evaluate(() => void setTimeout(() => history.back()));
        await tab.waitForFunction(() => location.pathname.includes('+') && window.volenti?.state?.decided, undefined, { timeout: patience });
      };
      await away();
      await s.settle();
      assert.equal(await tab.evaluate(() => window.left), true, 'it came back as it was left');
      // Not all that is asked for: this browser has things of its own to ask.
      assert.deepEqual(few.flatMap(of), [], how + ': nothing runs a second time');
      await beat(tab);
      await until(() => few.some(({ beacon }) => s.net.hits.some((hit) => hit.startsWith(beacon))), 'tags that go on', patience);

      // A change of mind in another page reaches one that is put by, which Chromium then does without: it is loaded anew.
      await away(async () => {
        await tab.evaluate(() => volenti.withdraw());
        await tab.waitForFunction(() => !window.volenti.state.categories.marketing && window.volenti.state.receipt, undefined, { timeout: patience });
      });
      await tab.waitForFunction(() => !window.volenti.state.categories.marketing, undefined, { timeout: patience });
      await beat(tab);
      await s.settle();
      assert.deepEqual(few.flatMap(of).filter((hit) => how === 'marked' || !few.flatMap(written).some((start) => hit.startsWith(start))), [], how + ', withdrawn');
      await visitor.close();
    }
  } finally {
    await browser.close();
  }
});

/**
 * A page that Chromium renders before it is seen. Where a debugger is attached it does not, so this browser is on its
 * own: the first page decides by the site's own controls, has the second rendered, and goes there when it is told to.
 */
const prerendered = async (how, decide, look) => {
  const home = mkdtempSync(join(tmpdir(), 'volenti-ahead-'));
  const next = `/${how}/${keys(few)}+stripe?region=DE`;
  let go;
  s.more = (request, reply) => {
    const { pathname } = new URL(request.url, shop);
    if (pathname === '/ahead')
      return reply.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><html lang="en"><title>Shop</title><script src="https://consent.shop.test/b/shop.js?region=DE"></script>
<script>
const known = () => window.volenti?.state ? (${decide})() : setTimeout(known, 20);
const ahead = () => {
  document.head.append(Object.assign(document.createElement('script'), { type: 'speculationrules', text: JSON.stringify({ prerender: [{ urls: [${JSON.stringify(next)}], eagerness: 'immediate' }] }) }));
  fetch('/told').then(() => { location.href = ${JSON.stringify(next)}; });
};
known();
</script>`);
    if (pathname !== '/told') return false;
    go = () => reply.writeHead(204).end();
    return true;
  };
  s.reset();
  const child = spawn(executablePath, [...s.net.args, '--headless', `--user-data-dir=${home}`, '--no-first-run', '--remote-debugging-port=0', `${shop}/ahead`], { stdio: 'ignore', detached: true });
  try {
    await until(() => go, 'the first page', patience);
    await until(() => s.asked.some(({ url, purpose }) => url === next && /prerender/.test(purpose)), 'the second to be asked for', patience);
    // What is essential runs there, which shows that there is a page, and not only its markup.
    const essential = 'js.stripe.com/v3/';
    await until(() => s.net.hits.includes(essential), 'the second to be rendered', patience);
    await look(go, () => s.net.hits.filter((hit) => hit !== essential && !hit.startsWith('m.stripe.network/')));
  } finally {
    s.more = undefined;
    process.kill(-child.pid, 'SIGKILL');
    await new Promise((done) => child.once('exit', done));
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  }
};

test('nothing runs in a page that is only rendered ahead; once it is seen, what was granted does', async () => {
  const grant = `() => { volenti.acceptAll(); const done = () => volenti.state.receipt ? ahead() : setTimeout(done, 20); done(); }`;
  await prerendered('marked', grant, async (go, hits) => {
    await s.settle(1000);
    assert.deepEqual(hits(), [], 'granted, and not seen');
    go();
    await until(() => few.every(({ beacon }) => s.net.hits.some((hit) => hit.startsWith(beacon))), 'all tags', patience);
    await s.settle();
    for (const { key, beacon } of few) assert.equal(s.net.hits.filter((hit) => hit.startsWith(beacon)).length, 1, key + ' once');
  });
  for (const how of ['live', 'marked'])
    await prerendered(how, 'ahead', async (go, hits) => {
      await s.settle(1000);
      const sent = () => hits().filter((hit) => how === 'marked' || !few.flatMap(written).some((start) => hit.startsWith(start)));
      assert.deepEqual(sent(), [], how + ', undecided, and not seen');
      go();
      await s.settle(1500);
      assert.deepEqual(sent(), [], how + ', undecided');
    });
});
