// Moments that differ from a visit as usual: without JavaScript, a page that comes back as it was left, one that is
// rendered before anybody sees it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { snippets } from './snippets.mjs';
import { executablePath, patience, shop, stage, until } from './stage.mjs';
import { press } from '../browser/harness.mjs';

const s = stage();
const optional = snippets.filter((snippet) => !snippet.essential);
const keys = (list) => list.map(({ key }) => key).join('+');
/** One of each way to stand in a page, and of each way to report. */
const few = snippets.filter(({ key }) => ['ga4', 'meta', 'hotjar', 'youtube', 'intercom', 'chain'].includes(key));
const of = (snippet) => s.trail(snippet);
const beat = (tab) => tab.evaluate(() => void document.dispatchEvent(new Event('beat')));
const recorded = (tab) => tab.waitForFunction(() => window.volenti?.state?.receipt, undefined, { timeout: patience });

test('without JavaScript marked ones are silent, and of unmarked ones what is meant for such browsers is not', async (t) => {
  const visitor = await s.visitor({ javaScriptEnabled: false });
  const tab = await s.open(visitor, 'marked/' + keys(optional));
  await s.settle();
  assert.deepEqual([s.net.hits, s.net.met, await visitor.cookies()], [[], [], []]);
  // No script of ours runs there either: docs/gate.md sends those to the edge, or to the marks.
  s.reset();
  await tab.goto(`${shop}/live/${keys(optional)}`);
  await s.settle();
  const loud = optional.filter((snippet) => of(snippet).length);
  t.diagnostic(`unmarked, without JavaScript: ${optional.length - loud.length} of ${optional.length} silent; the others need the edge: ${keys(loud).replaceAll('+', ', ')}`);
  assert.ok(loud.some(({ key }) => key === 'meta') && loud.some(({ key }) => key === 'youtube'), 'else this page shows nothing');
  await visitor.close();
});

test('a page that comes back as it was left obeys what was decided meanwhile', async (t) => {
  for (const how of ['live', 'marked']) {
    const visitor = await s.visitor();
    const tab = await s.open(visitor, `${how}/${keys(few)}`);
    await press(tab, 'accept');
    await recorded(tab);
    await until(() => of(few[1]).length === 2, 'the tags', patience);
    await s.settle();
    await tab.evaluate(() => {
      window.left = 1;
      addEventListener('pageshow', (e) => (window.back = e.persisted));
    });
    await tab.goto(`${shop}/${how}/ga4?region=DE`);
    await tab.waitForFunction(() => window.volenti?.state?.decided);
    await tab.evaluate(() => volenti.withdraw());
    await recorded(tab);
    await s.settle();
    s.reset();
    // Playwright waits for a load that there is none of.
    await tab.evaluate(() => void setTimeout(() => history.back()));
    await tab.waitForFunction(() => location.pathname.includes('+') && window.volenti?.state, undefined, { timeout: patience });
    const back = await tab.evaluate(() => window.left && window.back);
    if (!back) {
      t.skip('this browser keeps no page as it was left');
      return;
    }
    await tab.waitForFunction(() => !window.volenti.state.categories.marketing, undefined, { timeout: patience });
    await beat(tab);
    await s.settle();
    assert.deepEqual(s.net.hits, [], how);
    await visitor.close();
  }
});

/**
 * A page that Chromium renders before it is seen. Where a debugger is attached it does not, so this browser is on its
 * own: the first page decides by the site's own controls, has the second rendered, and goes there when it is told to.
 */
const prerendered = async (how, decide, look) => {
  const home = mkdtempSync(join(tmpdir(), 'volenti-ahead-'));
  const next = `/${how}/${keys(few)}?region=DE`;
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
    await until(() => s.asked.some(({ url, purpose }) => url === next && /prerender/.test(purpose)), 'the second to be rendered', patience);
    await look(go);
  } finally {
    s.more = undefined;
    process.kill(-child.pid, 'SIGKILL');
    await new Promise((done) => child.once('exit', done));
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  }
};

test('nothing runs in a page that is only rendered ahead; once it is seen, what was granted does', async () => {
  const grant = `() => { volenti.acceptAll(); const done = () => volenti.state.receipt ? ahead() : setTimeout(done, 20); done(); }`;
  await prerendered('marked', grant, async (go) => {
    await s.settle(1000);
    assert.deepEqual(s.net.hits, [], 'granted, and not seen');
    go();
    await until(() => few.every(({ beacon }) => s.net.hits.some((hit) => hit.startsWith(beacon))), 'all tags', patience);
    await s.settle();
    for (const { key, beacon } of few) assert.equal(s.net.hits.filter((hit) => hit.startsWith(beacon)).length, 1, key + ' once');
  });
  for (const how of ['live', 'marked'])
    await prerendered(how, 'ahead', async (go) => {
      await s.settle(1000);
      const sent = () => s.net.hits.filter((hit) => how === 'marked' || !few.some(({ own, beacon }) => own.some((start) => hit.startsWith(start)) && !hit.startsWith(beacon)));
      assert.deepEqual(sent(), [], how + ', undecided, and not seen');
      go();
      await until(() => s.asked.length, 'the page', patience);
      await s.settle(1000);
      assert.deepEqual(sent(), [], how + ', undecided');
    });
});
