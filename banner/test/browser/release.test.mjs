import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ran, ready, recorded, site, until } from './harness.mjs';

const s = site();
const names = async () => (await s.hits()).map((hit) => hit.replace(/\?.*/, '')).sort();

test('nothing is fetched, run or stored before a decision', async () => {
  for (const path of ['/order.html', '/shapes.html', '/write.html', '/embeds.html', '/strict.html']) {
    const page = await s.open(path);
    await ready(page);
    await quiet();
    assert.deepEqual(await s.hits(), [], path);
    assert.deepEqual((await ran(page)).filter((name) => name !== 'necessary'), [], path);
    assert.equal(await page.evaluate(() => document.cookie + Object.keys(localStorage) + Object.keys(sessionStorage)), '', path);
    assert.deepEqual(page.thrown, [], path);
  }
});

test('tags run in document order, on the first visit and the next', async () => {
  const page = await s.open('/order.html');
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 4);
  assert.deepEqual(await ran(page), ['A', 'B', 'C', 'D']);
  assert.deepEqual(await names(), ['/A.js', '/C.js'], 'each is fetched once');
  await recorded(page);
  await page.goto(s.shop + '/order.html');
  await until(async () => (await ran(page)).length === 4);
  assert.deepEqual(await ran(page), ['A', 'B', 'C', 'D']);
  assert.deepEqual(await names(), ['/A.js', '/A.js', '/C.js', '/C.js'], 'and once more');
  assert.deepEqual(page.thrown, []);
});

test('a tag that does not answer is skipped, cancelled and told of', async () => {
  const page = await s.open('/hung.html');
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 3);
  assert.deepEqual(await ran(page), ['B', 'C', 'D'], 'nor does one that is not there hold the others up');
  assert.deepEqual(await page.evaluate(() => window.skipped), [s.vendor + '/A.js?wait=2500']);
  assert.ok(page.said.some((line) => line.startsWith('warning: volenti: no answer')), page.said.join('\n'));
  await quiet(2500);
  assert.deepEqual(await ran(page), ['B', 'C', 'D'], 'its late answer is not executed');
});

test('every shape of tag is released, once, and what nobody was asked about never', async () => {
  const page = await s.open('/shapes.html');
  await ready(page);
  await until(async () => (await ran(page)).includes('necessary'));
  await press(page, 'accept');
  await until(async () => (await ran(page)).includes('last'));
  await until(async () => (await ran(page)).includes('async'));
  await quiet();
  const order = (await ran(page)).filter((name) => name !== 'async');
  assert.deepEqual(order, ['necessary', 'casing', 'module', 'inline-module', 'defer', 'vendor-of-another-category', 'T1', 'T2', 'last']);
  assert.deepEqual(await names(), ['/T1.js', '/async.js', '/defer.js', '/frame', '/module.js', '/pixel.gif', '/set.gif', '/style.css', '/template.gif']);
  assert.equal(await page.locator('#fromtemplate').count(), 1);
  assert.equal(page.said.filter((line) => line.includes('not in the notice')).length, 2, page.said.join('\n'));
  assert.deepEqual(page.thrown, []);
});

test('a vendor of another category needs both', async () => {
  const page = await s.open('/shapes.html');
  await ready(page);
  await page.evaluate(() => volenti.set({ analytics: false, preferences: false, marketing: true }));
  await until(async () => (await ran(page)).includes('last'));
  assert.ok(!(await ran(page)).includes('vendor-of-another-category'));
});

test('tags that are added later run by themselves, wherever they come from', async () => {
  const page = await s.open('/late.html');
  await ready(page);
  const add = (n) =>
    page.evaluate(([vendor, n]) => {
      const tag = (text, src) => {
        const script = document.createElement('script');
        script.type = 'text/plain';
        script.dataset.category = 'marketing';
        if (src) script.dataset.src = src;
        script.text = text;
        return script;
      };
      const view = document.createElement('section');
      view.append(tag('', vendor + '/L1.js?wait=100'), tag("ran.push('L2')"));
      const markup = document.createElement('div');
      markup.innerHTML = `<script type="text/plain" data-category="marketing">ran.push('L3')</script><img data-category="marketing" data-src="${vendor}/L4.gif?${n}" alt="">`;
      document.getElementById('app').replaceChildren(view, markup);
    }, [s.vendor, n]);
  await add(1);
  await quiet();
  assert.deepEqual(await ran(page), []);
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 3);
  await add(2);
  await until(async () => (await ran(page)).length === 6);
  assert.deepEqual(await ran(page), ['L1', 'L2', 'L3', 'L1', 'L2', 'L3']);
  await until(async () => (await names()).filter((name) => name === '/L4.gif').length === 2);
});

test('a tag that was removed before its turn does not run', async () => {
  const page = await s.open('/order.html');
  await ready(page);
  await page.evaluate(() => {
    volenti.acceptAll();
    document.querySelectorAll('[data-category]')[3].remove();
  });
  await until(async () => (await ran(page)).length === 3);
  await quiet();
  assert.deepEqual(await ran(page), ['A', 'B', 'C']);
});

test('what a released tag writes goes where it stands and never wipes the page', async () => {
  const page = await s.open('/write.html');
  await ready(page);
  assert.equal(await page.locator('meta[name=native]').count(), 1, 'the parser’s own scripts write as ever');
  await press(page, 'accept');
  await until(async () => (await ran(page)).includes('after'));
  await page.locator('#timer').waitFor();
  await page.locator('#x2').waitFor();
  assert.deepEqual(await ran(page), ['W1', 'W2', 'X', 'after']);
  assert.equal(await page.locator('#heading').count(), 1);
  assert.equal(await page.locator('#end').count(), 1);
  const places = await page.evaluate(() => {
    const order = [...document.querySelectorAll('#w1, #w2, #w3, #between, #x1, #end')];
    return order.map((el) => el.id).join(' ');
  });
  assert.equal(places, 'w1 w3 w2 between x1 end');
  assert.ok(!(await names()).includes('/noscript.gif'), 'what is for browsers without scripts is not loaded');
  assert.deepEqual(page.thrown, []);
});

test('a withdrawal stops what still waits, and what is on its way', async () => {
  const page = await s.open('/order.html');
  await ready(page);
  await page.evaluate(() => volenti.acceptAll());
  await until(async () => (await names()).includes('/A.js'));
  await page.evaluate(() => volenti.withdraw());
  await quiet(800);
  assert.deepEqual(await ran(page), []);
  await page.evaluate(() => volenti.acceptAll());
  await until(async () => (await ran(page)).length === 4);
  assert.deepEqual(await ran(page), ['A', 'B', 'C', 'D'], 'and a new yes lets all of them run');
});

test('the frame after the click is painted before the tags run', async (t) => {
  const page = await s.open('/busy.html');
  await ready(page);
  await page.evaluate(() => {
    addEventListener(
      'click',
      () => {
        const start = performance.now();
        requestAnimationFrame(() => setTimeout(() => (window.painted = { after: performance.now() - start, ran: window.ran.length })));
      },
      true,
    );
  });
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 3);
  const painted = await page.evaluate(() => window.painted);
  t.diagnostic(`click to next frame: ${painted.after.toFixed(1)} ms`);
  assert.equal(painted.ran, 0);
});

test('a script whose text has not all arrived does not run', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  await page.evaluate(() => volenti.acceptAll());
  await recorded(page);
  // The page arrives in pieces, cut inside a gated script.
  const text = await (await fetch(s.shop + '/order.html')).text();
  const cut = text.indexOf("ran.push('B')") + 6;
  const { createServer } = await import('node:http');
  const slow = createServer((request, response) => {
    if (!request.url.startsWith('/order')) return void response.writeHead(302, { location: s.shop + request.url }).end();
    response.writeHead(200, { 'content-type': 'text/html' });
    response.write(text.slice(0, cut).replace('src="/b', `src="${s.shop}/b`));
    setTimeout(() => response.end(text.slice(cut)), 600);
  });
  await new Promise((done) => slow.listen(0, 'localhost', done));
  try {
    // localhost's cookies know no port, so this is the same visitor; its storage does.
    await page.goto(`http://localhost:${slow.address().port}/order.html`, { waitUntil: 'commit' });
    await until(async () => (await ran(page)).length === 4);
    assert.deepEqual(await ran(page), ['A', 'B', 'C', 'D']);
    assert.deepEqual(page.thrown, []);
  } finally {
    slow.close();
  }
});
