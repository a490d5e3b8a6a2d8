// Tags that nobody marked: what reaches the vendor's server counts, not what the document looks like. The vendor is
// 127.0.0.1, which to a page on localhost is a stranger: /count… is analytics by the notice, /free… is allowed by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ran, ready, recorded, site, until } from './harness.mjs';

const s = site();
const names = async () => (await s.hits()).map((hit) => hit.replace(/\?.*/, '')).sort();
const has = (name) => until(async () => (await names()).includes(name), name);

test('what the parser finds does not run before a consent, and does after it', async () => {
  const page = await s.open('/blockparsed.html');
  await ready(page);
  await quiet();
  assert.deepEqual((await ran(page)).sort(), ['B', 'F', 'G'], 'the page’s own, and what is free');
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--vendor')), '');
  assert.equal(await page.locator('link[rel=canonical][href]').count(), 1, 'what only names an address is left alone');
  assert.ok((await names()).includes('/free/frame'));
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 7);
  assert.deepEqual((await ran(page)).slice(-4).sort(), ['A', 'C', 'D', 'E']);
  assert.deepEqual(await page.evaluate(() => loaded), ['A'], 'those who listen to it hear of it');
  await has('/frame');
  await until(() => page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--vendor')));
  assert.deepEqual(page.thrown, []);
});

/** Ways to have something loaded. Each is a function of the page that is given an address, and is named by what it loads. */
const ways = {
  'script, appended': (src) => document.head.appendChild(Object.assign(document.createElement('script'), { src })),
  'script, inserted by its attribute': (src) => {
    const script = document.createElement('script');
    script.setAttribute('src', src);
    document.head.insertBefore(script, document.head.firstChild);
  },
  'script, addressed in the document': (src) => {
    const script = document.createElement('script');
    document.body.append(script);
    script.src = src;
  },
  'script, in the place of another node': (src) => {
    const old = document.body.appendChild(document.createElement('p'));
    document.body.replaceChild(Object.assign(document.createElement('script'), { src }), old);
  },
  'script, with replaceWith()': (src) => document.body.appendChild(document.createElement('p')).replaceWith(Object.assign(document.createElement('script'), { src })),
  'script, with replaceChildren()': (src) => document.getElementById('app').appendChild(document.createElement('p')).replaceChildren(Object.assign(document.createElement('script'), { src })),
  'script, with before()': (src) => document.getElementById('app').before('text', Object.assign(document.createElement('script'), { src })),
  'script, with after()': (src) => document.getElementById('app').after(Object.assign(document.createElement('script'), { src })),
  'script, with prepend()': (src) => document.body.prepend(Object.assign(document.createElement('script'), { src })),
  'script, with insertAdjacentElement()': (src) => document.body.insertAdjacentElement('beforeend', Object.assign(document.createElement('script'), { src })),
  'script, in a range': (src) => {
    const range = document.createRange();
    range.selectNodeContents(document.getElementById('app'));
    range.insertNode(Object.assign(document.createElement('script'), { src }));
  },
  'script, of a fragment': (src) => document.body.append(document.createRange().createContextualFragment(`<div><script src="${src}"></script></div>`)),
  'script, of a template': (src) => {
    const { content } = document.getElementById('template');
    content.querySelector('script').src = src;
    document.body.append(content.cloneNode(true));
  },
  'script, imported': (src) => {
    const { content } = document.getElementById('template');
    content.querySelector('script').src = src;
    document.body.appendChild(document.importNode(content, true));
  },
  'script, cloned': (src) => document.body.append(Object.assign(document.createElement('script'), { src }).cloneNode(true)),
  'script, below what is appended': (src) => {
    const view = document.createElement('section');
    view.appendChild(document.createElement('p')).append(Object.assign(document.createElement('script'), { src }));
    document.body.append(view);
  },
  'script, in a shadow root': (src) => document.body.appendChild(document.createElement('div')).attachShadow({ mode: 'open' }).append(Object.assign(document.createElement('script'), { src })),
  'image that is never shown': (src) => {
    new Image().src = src;
  },
  'image of a class of its own': (src) => {
    new (class extends Image {})().src = src;
  },
  'image, its set': (src) => {
    document.createElement('img').srcset = src + ' 2x';
  },
  'image, shown': (src) => {
    const img = document.createElement('img');
    document.body.append(img);
    img.setAttribute('src', src);
  },
  'image, as markup': (src) => {
    document.body.appendChild(document.createElement('div')).innerHTML = `<p><img src="${src}" alt=""></p>`;
  },
  'image, as markup that stands nowhere': (src) => {
    document.createElement('div').innerHTML = `<img src="${src}" alt="">`;
  },
  'image of a picture': (src) => {
    document.getElementById('app').insertAdjacentHTML('beforeend', `<picture><source srcset="${src}"><img alt=""></picture>`);
  },
  'image of a parsed document': (src) => document.body.append(new DOMParser().parseFromString(`<img src="${src}" alt="">`, 'text/html').body.firstChild),
  'image of a video': (src) => {
    document.body.append(Object.assign(document.createElement('video'), { poster: src }));
  },
  'frame, appended': (src) => document.body.append(Object.assign(document.createElement('iframe'), { src })),
  'frame, addressed in the document': (src) => {
    document.body.appendChild(document.createElement('iframe')).src = src;
  },
  'frame, as markup': (src) => {
    document.body.appendChild(document.createElement('div')).innerHTML = `<iframe src="${src}"></iframe>`;
  },
  'frame, as markup in the place of an element': (src) => {
    document.body.appendChild(document.createElement('p')).outerHTML = `<iframe src="${src}"></iframe>`;
  },
  'frame, as markup beside an element': (src) => document.getElementById('app').insertAdjacentHTML('afterEnd', `<iframe src="${src}"></iframe>`),
  'frame, as markup of a shadow root': (src) => {
    document.body.appendChild(document.createElement('div')).attachShadow({ mode: 'open' }).innerHTML = `<iframe src="${src}"></iframe>`;
  },
  'frame, as unsafe markup': (src) => {
    document.body.appendChild(document.createElement('div')).setHTMLUnsafe(`<iframe src="${src}"></iframe>`);
  },
  'frame of markup': (src) => {
    document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: `<p>Hello</p><iframe src="${src}"></iframe>` }));
  },
  'style, linked': (src) => document.head.append(Object.assign(document.createElement('link'), { href: src, rel: 'stylesheet' })),
  'style, linked as markup': (src) => document.head.insertAdjacentHTML('beforeend', `<link rel="stylesheet" href="${src}">`),
  'script that is only loaded ahead': (href) => document.head.append(Object.assign(document.createElement('link'), { rel: 'preload', as: 'script', href })),
  'object': (data) => document.body.append(Object.assign(document.createElement('object'), { data })),
  'embedded': (src) => document.body.append(Object.assign(document.createElement('embed'), { src })),
  'video that is never shown': (src) => {
    Object.assign(document.createElement('video'), { preload: 'auto' }).src = src;
  },
};

/** Ways to send something at once: after a consent, what was not sent is not sent. */
const sends = {
  fetch: (src) => fetch(src, { mode: 'no-cors' }).then(() => 'sent', (e) => e.constructor.name),
  'fetch of a request': (src) => fetch(new Request(src, { mode: 'no-cors' })).then(() => 'sent', (e) => e.constructor.name),
  XMLHttpRequest: (src) =>
    new Promise((done) => {
      const xhr = new XMLHttpRequest();
      xhr.open('POST', src);
      for (const name of ['load', 'error']) xhr.addEventListener(name, () => done(name === 'load' ? 'sent' : `${name} ${xhr.status} ${xhr.readyState}`));
      xhr.send('x');
    }),
  'XMLHttpRequest that is waited for': (src) => {
    const xhr = new XMLHttpRequest();
    xhr.open('GET', src, false);
    try {
      xhr.send();
      return 'sent';
    } catch (e) {
      return e.name;
    }
  },
  beacon: (src) => (navigator.sendBeacon(src, 'x') ? 'sent' : 'refused'),
};
const failures = { fetch: 'TypeError', 'fetch of a request': 'TypeError', XMLHttpRequest: 'error 0 4', 'XMLHttpRequest that is waited for': 'NetworkError', beacon: 'refused' };

const run = (page, way, src) => page.evaluate(`(${way})(${JSON.stringify(src)})`);
const fileOf = (what) => ({ script: 'x.js', image: 'x.gif', style: 'x.css' })[/^\w+/.exec(what)[0]] ?? 'x';

for (const [what, way] of Object.entries(ways))
  test(`${what}: held, and released when it is granted; free where it is allowed or the page’s own`, async () => {
    const page = await s.open('/block.html');
    await ready(page);
    const file = fileOf(what);
    const paths = [`/${file}`, `/count/${file}`, `/free/${file}`];
    for (const path of paths) await run(page, way, s.other + path);
    await run(page, way, s.vendor + '/own/' + file);
    await has(`/free/${file}`);
    await has(`/own/${file}`);
    await quiet();
    assert.deepEqual(await names(), [`/free/${file}`, `/own/${file}`]);
    await page.evaluate(() => volenti.set({ analytics: true, marketing: false, preferences: false }));
    await has(`/count/${file}`);
    await quiet();
    assert.ok(!(await names()).includes('/' + file), 'granted is one, not the other');
    await page.evaluate(() => volenti.acceptAll());
    await has('/' + file);
    await quiet();
    assert.deepEqual([...new Set(await names())].length, 4);
    if (!/video/.test(what)) assert.equal((await names()).length, 4, 'each once');
    assert.deepEqual(page.thrown, []);
  });

for (const [what, way] of Object.entries(sends))
  test(`${what}: fails before a consent, and is not made up for after it`, async () => {
    const page = await s.open('/block.html');
    await ready(page);
    assert.equal(await run(page, way, s.other + '/x'), failures[what]);
    assert.equal(await run(page, way, s.other + '/free/x'), 'sent');
    assert.equal(await run(page, way, s.vendor + '/own'), 'sent');
    for (const name of ['/free/x', '/own']) await has(name);
    assert.deepEqual(await names(), ['/free/x', '/own']);
    await page.evaluate(() => volenti.acceptAll());
    await recorded(page);
    await quiet();
    assert.deepEqual(await names(), ['/free/x', '/own']);
    assert.equal(await run(page, way, s.other + '/x'), 'sent');
    assert.deepEqual(page.thrown, []);
  });
