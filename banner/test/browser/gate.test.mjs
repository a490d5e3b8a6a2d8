import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ran, ready, recorded, site, stored, until } from './harness.mjs';

const s = site();
const banner = (page) => page.locator('volenti-banner').count();
const layer = (page) => page.evaluate(() => (window.dataLayer ?? []).map((entry) => [Object.prototype.toString.call(entry), ...entry]));
const google = (ads, analytics, preferences) => ({
  ad_storage: ads, ad_user_data: ads, ad_personalization: ads, analytics_storage: analytics,
  functionality_storage: preferences, personalization_storage: preferences, security_storage: 'granted',
});

test('a decision is in force at once, recorded, and not asked for again', async () => {
  const page = await s.open('/order.html');
  await press(page, 'accept');
  assert.equal(await banner(page), 0);
  await recorded(page);
  const [decision] = await s.decisions();
  assert.deepEqual(Object.keys(decision).sort(), ['action', 'at', 'categories', 'dnt', 'gpc', 'id', 'surface', 'token', 'vendors']);
  assert.match(decision.id, /^[\w-]{1,64}$/);
  assert.deepEqual(decision.categories, { preferences: true, analytics: true, marketing: true });
  assert.deepEqual([decision.vendors, decision.action, decision.surface, decision.token], [{}, 'accept_all', 'banner', '1.shop.token']);
  const kept = await stored(page);
  assert.equal(kept.c, '1111.----');
  assert.equal(kept.p, undefined);
  assert.equal(await page.evaluate(() => volenti.receipt().then((text) => JSON.parse(text).id)), kept.r);
  await page.reload();
  await ready(page);
  assert.equal(await banner(page), 0);
  assert.equal(await page.locator('volenti-reopen').count(), 1);
  // A decision after it names its receipt.
  await page.evaluate(() => volenti.withdraw());
  await until(async () => (await s.decisions()).length === 2);
  assert.equal((await s.decisions())[1].previous, kept.r);
  assert.equal((await s.decisions())[1].action, 'withdraw');
});

test('a refusal is remembered as a consent is', async () => {
  const page = await s.open('/order.html');
  await press(page, 'reject');
  await recorded(page);
  await page.reload();
  await ready(page);
  await quiet();
  assert.equal(await banner(page), 0);
  assert.deepEqual(await s.hits(), []);
  assert.deepEqual((await s.decisions()).map((d) => d.action), ['reject_all']);
});

test('a first visit is one request; the gate is fetched when a pointer comes near', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  await quiet();
  assert.deepEqual((await s.requests()).slice(-1), ['GET /b/shop.js'], 'nobody is about to answer');
  await control(page, 'accept').hover();
  await until(async () => /\/b\/shop\/[0-9a-f]{16}\.js\?0$/.test((await s.requests()).at(-1)), 'the gate is fetched ahead');
});

test('a returning visit fetches nothing, or asks whether everything is still allowed', async () => {
  for (const [answer, more] of [['reject', []], ['accept', ['GET /b/shop.js']]]) {
    const page = await s.open('/plain.html');
    await ready(page);
    await quiet();
    const first = await s.requests();
    await press(page, answer);
    await recorded(page);
    await until(async () => (await s.requests()).slice(first.length).includes('GET /b/shop.js'), 'the cached script is refreshed');
    await quiet();
    const before = (await s.requests()).length;
    await page.goto(s.shop + '/plain.html');
    await ready(page);
    await quiet();
    assert.deepEqual((await s.requests()).slice(before), more, 'a returning visitor');
  }
});

test('Consent Mode gets one default first, then one update a decision', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  const start = [
    ['[object Arguments]', 'consent', 'default', { ...google('denied', 'denied', 'denied'), wait_for_update: 500 }],
    ['[object Arguments]', 'set', 'ads_data_redaction', true],
  ];
  assert.deepEqual(await layer(page), start);
  await page.evaluate(() => volenti.set({ analytics: true, marketing: false, preferences: false }));
  await page.waitForFunction(() => volenti.state.decided);
  assert.deepEqual(await layer(page), [...start, ['[object Arguments]', 'consent', 'update', google('denied', 'granted', 'denied')]]);
  await page.evaluate(() => volenti.acceptAll());
  await page.evaluate(() => volenti.withdraw());
  assert.deepEqual((await layer(page)).slice(3).map((entry) => entry[3]), [google('granted', 'granted', 'granted'), google('denied', 'denied', 'denied')]);
  const asked = (await s.requests()).filter((request) => request === 'GET /b/shop.js').length;
  await page.evaluate(() => volenti.acceptAll());
  await recorded(page);
  await until(async () => (await s.requests()).filter((request) => request === 'GET /b/shop.js').length > asked, 'the cached script is refreshed');
  await quiet();
  await page.reload();
  await ready(page);
  const all = google('granted', 'granted', 'granted');
  assert.deepEqual(await layer(page), [
    ['[object Arguments]', 'consent', 'default', { ...all, wait_for_update: 500 }],
    start[1],
    ['[object Arguments]', 'consent', 'update', all],
  ], 'whoever decided is begun with what he decided');
});

test('in an opt-out region tags run at once, and a no stops them', async () => {
  const page = await s.open('/order.html?m=-ooo');
  await until(async () => (await ran(page)).length === 4);
  assert.deepEqual(await ran(page), ['A', 'B', 'C', 'D']);
  assert.equal((await layer(page))[0][3].ad_storage, 'granted');
  assert.equal(await page.evaluate(() => localStorage.length), 0, 'nothing is stored before a decision');
  await press(page, 'reject');
  await recorded(page);
  await page.goto(s.shop + '/order.html?m=-ooo');
  await ready(page);
  await quiet();
  assert.deepEqual(await ran(page), []);
});

test('a signal is a decision where the law says so, shown and recorded', async () => {
  const visitor = await s.visitor({ extraHTTPHeaders: { 'Sec-GPC': '1' } });
  const page = await s.open('/order.html?m=-ooo', visitor);
  await until(async () => (await s.decisions()).length === 1);
  const [decision] = await s.decisions();
  assert.deepEqual([decision.action, decision.surface, decision.categories], ['signal', 'signal', { marketing: false }]);
  assert.equal(await banner(page), 1, 'the visitor is told');
  assert.ok((await page.locator('volenti-banner').textContent()).includes('Opt-out request honored'));
  await quiet();
  assert.deepEqual(await s.hits(), []);
  assert.equal((await layer(page))[0][3].ad_storage, 'denied');
  await page.reload();
  await ready(page);
  assert.equal(await banner(page), 0, 'once');
  assert.equal((await s.decisions()).length, 1);
});

test('under opt-in a signal keeps marketing off until the visitor says otherwise under it', async () => {
  const visitor = await s.visitor();
  const page = await s.open('/order.html', visitor);
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 4);
  await recorded(page);
  await visitor.setExtraHTTPHeaders({ 'Sec-GPC': '1' });
  await page.goto(s.shop + '/order.html?again');
  await ready(page);
  await quiet();
  assert.deepEqual(await ran(page), [], 'a grant without the signal does not outrank it');
  assert.equal(await page.evaluate(() => volenti.state.categories.analytics), true);
  await page.evaluate(() => volenti.acceptAll());
  await until(async () => (await ran(page)).length === 4);
});

test('other tabs follow a yes and a no at once', async () => {
  const visitor = await s.visitor();
  const one = await s.open('/order.html', visitor);
  const two = await s.open('/order.html', visitor);
  await ready(one);
  await ready(two);
  await press(one, 'accept');
  await until(async () => (await ran(two)).length === 4);
  assert.equal(await banner(two), 0);
  assert.equal(await two.locator('volenti-reopen').count(), 1);
  await one.evaluate(() => volenti.withdraw());
  await until(() => two.evaluate(() => !volenti.state.categories.marketing));
  await recorded(one);
  await until(() => two.evaluate(() => volenti.state.receipt));
  assert.equal((await s.decisions()).length, 2, 'each decision is sent once');
});

test('a withdrawal deletes what was declared, wherever it was put', async () => {
  const page = await s.open('/deep/path/plain.html');
  await ready(page);
  await page.evaluate(() => volenti.acceptAll());
  await recorded(page);
  const put = () =>
    page.evaluate(() => {
      for (const cookie of ['_count=1;path=/', '_count_x=1;path=/deep', '_count_y=1;path=/deep/path', '_count_z=1', '_ads=1;path=/;secure', '_shared=1;path=/', 'mine=1;path=/', '_county=1;path=/'])
        document.cookie = cookie;
      localStorage.setItem('video-1', '1');
      localStorage.setItem('ads', '1');
      localStorage.setItem('adsother', '1');
      sessionStorage.setItem('count-visit', '1');
    });
  const left = () =>
    page.evaluate(() => [document.cookie.split('; ').map((c) => c.split('=')[0]), Object.keys(localStorage), Object.keys(sessionStorage)].map((list) => list.filter((name) => name !== 'volenti').sort().join(' ')));
  await put();
  assert.deepEqual(await left(), ['_ads _count _count_x _count_y _count_z _county _shared mine', 'ads adsother video-1', 'count-visit']);
  // Of two vendors that share a cookie, one may go on.
  await page.evaluate(() => volenti.set({ analytics: false, ads: false }));
  await until(async () => (await left())[2] === '');
  assert.deepEqual(await left(), ['_county _shared mine', 'adsother video-1', '']);
  await page.evaluate(() => volenti.withdraw());
  await until(async () => !(await left())[0].includes('_shared'));
  assert.deepEqual(await left(), ['_county mine', 'adsother', '']);
  await until(async () => (await page.context().cookies()).some((c) => c.name === 'volenti'), 'our own to come with the answer');
});

test('without a server nothing is lost and nothing throws', async () => {
  const page = await s.open('/order.html');
  await ready(page);
  for (const mode of ['down', 'garbage', 'slow']) {
    await s.mode(mode);
    await page.evaluate(() => (volenti.state.decided ? volenti.withdraw() : volenti.acceptAll()));
    await quiet(150);
  }
  assert.deepEqual((await stored(page)).p.map((d) => d.action), ['accept_all', 'withdraw', 'withdraw']);
  assert.equal(await page.evaluate(() => volenti.receipt()), undefined);
  assert.deepEqual(page.thrown, []);
  await s.mode('');
  await page.reload();
  await recorded(page);
  const sent = await s.decisions();
  assert.deepEqual(sent.map((d) => d.action), ['accept_all', 'withdraw', 'withdraw'], 'in their order');
  assert.equal(sent[0].previous, undefined);
  const ids = await page.evaluate(() => volenti.receipt().then((text) => JSON.parse(text).id));
  assert.ok(sent[1].previous && sent[2].previous && sent[2].previous !== sent[1].previous && ids !== sent[2].previous, 'each names the one before');
  assert.equal((await stored(page)).p, undefined);
});

test('a decision is sent again when the browser is online, and one that was refused for good is not', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  await s.mode('down');
  await page.evaluate(() => volenti.rejectAll());
  await quiet(100);
  await s.mode('');
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await recorded(page);
  await s.mode('refuse');
  await page.evaluate(() => volenti.acceptAll());
  await until(async () => (await stored(page)) === null, 'a yes without evidence is not kept');
  assert.equal(await page.evaluate(() => volenti.state.categories.marketing), true, 'it holds for this page');
});

test('a yes counts and is recorded where nothing but the first script arrived; its tags run once the gate has come', async () => {
  await s.mode('gate-down');
  const page = await s.open('/order.html');
  await press(page, 'accept');
  await until(async () => (await s.decisions()).length === 1, 'the decision');
  assert.equal(await page.locator('volenti-banner').count(), 0);
  assert.deepEqual(await ran(page), [], 'what can release them is not there');
  await s.mode('');
  await until(async () => (await ran(page)).length === 4, 'the tags, without anybody asking', 15000);
  assert.deepEqual(await ran(page), ['A', 'B', 'C', 'D']);
  assert.deepEqual(page.thrown, []);
  await until(async () => (await page.evaluate(() => volenti.receipt())) !== undefined, 'the receipt', 15000);
});

test('a gate that did not come ahead is asked for under another address', async () => {
  await s.mode('gate-down');
  const page = await s.open('/order.html');
  const gates = async () => (await s.requests()).filter((r) => /\/b\/shop\/[0-9a-f]{16}\.js/.test(r));
  await until(async () => {
    await page.locator('volenti-banner').dispatchEvent('pointerenter');
    return (await gates()).length > 5;
  });
  await s.mode('');
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 4, 'the tags');
  const asked = await gates();
  assert.equal(new Set(asked).size, asked.length, 'no browser asks again for a module that failed');
  assert.deepEqual(page.thrown, []);
});

test('a click before the gate is there is not lost', async () => {
  const visitor = await s.visitor();
  await visitor.route(/\/b\/shop\/[0-9a-f]{16}\.js\?0$/, async (route) => {
    await quiet(800);
    await route.continue();
  });
  const page = await s.open('/order.html', visitor);
  await press(page, 'accept');
  assert.equal(await banner(page), 0);
  await until(async () => (await ran(page)).length === 4);
  assert.deepEqual((await s.decisions()).map((d) => d.action), ['accept_all']);
});

test('a cached answer does not outlive cookies that were cleared', async () => {
  await s.mode('cached');
  const visitor = await s.visitor();
  const page = await s.open('/order.html', visitor);
  await press(page, 'accept');
  await recorded(page);
  await until(async () => (await s.requests()).filter((r) => r === 'GET /b/shop.js').length === 2);
  await page.goto(s.shop + '/order.html');
  await until(async () => (await ran(page)).length === 4);
  await visitor.clearCookies();
  await page.evaluate(() => localStorage.clear());
  const hits = (await s.hits()).length;
  await page.goto(s.shop + '/order.html');
  await page.locator('volenti-banner').waitFor();
  await quiet();
  assert.equal((await s.hits()).length, hits, 'nothing was released');
  assert.equal((await layer(page)).filter((entry) => entry[2] === 'default').length, 1);
  assert.ok((await s.requests()).some((r) => /^GET \/b\/shop\.js\?fresh=\d+$/.test(r)));
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 4);
  assert.equal((await s.decisions()).length, 2);
});

test('a cookie that a cached answer knows nothing of is asked about anew', async () => {
  const visitor = await s.visitor();
  await visitor.addCookies([{ name: 'volenti', value: 'of a sister host', url: s.shop }]);
  const page = await s.open('/plain.html?boot=' + encodeURIComponent('{"x":0}'), visitor);
  await control(page, 'accept').waitFor();
  const scripts = (await s.requests()).filter((r) => r.startsWith('GET /b/shop.js'));
  assert.equal(scripts.length, 2);
  assert.match(scripts[1], /fresh=\d+/);
});

test('a decision this browser keeps is newer than a cached answer', async () => {
  const page = await s.open('/order.html');
  await press(page, 'accept');
  await recorded(page);
  await until(async () => (await s.requests()).filter((r) => r === 'GET /b/shop.js').length === 2);
  await s.mode('down');
  await page.evaluate(() => volenti.withdraw());
  await page.goto(s.shop + '/order.html');
  await ready(page);
  await quiet();
  assert.deepEqual(await ran(page), []);
  assert.equal(await page.evaluate(() => volenti.state.categories.marketing), false);
});

test('a forged, expired or outdated decision means asking again with everything off', async () => {
  const page = await s.open('/order.html');
  await press(page, 'accept');
  await recorded(page);
  const now = Math.floor(Date.now() / 1000);
  const good = await stored(page);
  for (const [name, change] of Object.entries({
    expired: { u: now - 10 }, 'of another notice': { n: '0'.repeat(16) }, 'of another shape': { c: '111.---' }, 'not a decision': { c: 7 },
    'of another version': { v: 2 }, 'with text for a time': { u: '9e9' },
  })) {
    await page.context().clearCookies();
    await page.evaluate((text) => localStorage.setItem('volenti', text), JSON.stringify({ ...good, ...change }));
    await page.goto(s.shop + '/order.html?' + encodeURIComponent(name));
    await ready(page);
    await quiet(200);
    assert.equal(await banner(page), 1, name);
    assert.deepEqual(await ran(page), [], name);
  }
  for (const text of ['', '{', 'null', '[]', '"1111.----"', '{"__proto__":{"v":1}}']) {
    await page.evaluate((text) => localStorage.setItem('volenti', text), text);
    await page.goto(s.shop + '/order.html?' + encodeURIComponent(text));
    await ready(page);
    assert.equal(await banner(page), 1, text);
  }
});

test('frames get placeholders; allowing one loads that vendor and no other', async () => {
  const page = await s.open('/embeds.html');
  await page.locator('volenti-placeholder').nth(3).waitFor();
  assert.equal(await page.locator('volenti-placeholder').count(), 4);
  const top = () => page.evaluate(() => ['between', 'end'].map((id) => document.getElementById(id).getBoundingClientRect().top + scrollY));
  const before = await top();
  await page.locator('volenti-placeholder [data-volenti=allow]').nth(1).click();
  await until(async () => (await s.hits()).includes('/two'));
  await quiet();
  assert.deepEqual(await s.hits(), ['/two']);
  assert.deepEqual(await top(), before, 'nothing moved');
  assert.equal(await page.locator('volenti-placeholder').count(), 3);
  assert.equal(await banner(page), 1, 'the question is still open');
  await until(async () => (await s.decisions()).length === 1);
  const [decision] = await s.decisions();
  assert.deepEqual([decision.action, decision.surface, decision.categories, decision.vendors], ['save', 'placeholder', {}, { ads: true }]);
  await press(page, 'accept');
  await until(async () => (await s.hits()).length === 4);
  assert.deepEqual(await top(), before);
  await page.evaluate(() => volenti.withdraw());
  await page.locator('volenti-placeholder').nth(3).waitFor();
  assert.equal(await page.evaluate(() => [...document.querySelectorAll('iframe')].filter((frame) => frame.src).length), 0, 'frames are taken back');
  assert.deepEqual(await top(), before);
});

test('the second layer opens from the page’s own control and from the gate’s', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  await page.click('#mine');
  await page.locator('volenti-banner dialog').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(new URL(page.url()).hash, '');
  await press(page, 'reject');
  await page.locator('volenti-reopen button').click();
  await page.locator('volenti-banner dialog').waitFor();
  await page.locator('[data-volenti-category=analytics]').click();
  await page.locator('volenti-banner dialog [data-volenti=save]').click();
  assert.deepEqual(await page.evaluate(() => volenti.state.categories), { necessary: true, preferences: false, analytics: true, marketing: false });
});

test('window.volenti runs its queue and tells what happens', async () => {
  const visitor = await s.visitor();
  await visitor.addInitScript(() => {
    window.told = [];
    window.volenti = [];
    for (const name of ['ready', 'decision', 'change', 'recorded']) {
      volenti.push(['on', name, (e) => told.push('on ' + name + ' ' + e.detail.categories.marketing)]);
      document.addEventListener('volenti:' + name, () => told.push(name));
    }
    volenti.push(['set', { marketing: true, nonsense: true, necessary: false }]);
    volenti.push(['nonsense']);
    volenti.push(['receipt', (text) => told.push('receipt ' + text)]);
  });
  const page = await s.open('/plain.html', visitor);
  await recorded(page);
  const told = await page.evaluate(() => told);
  assert.deepEqual(told.filter((line) => !line.startsWith('receipt')), [
    'decision', 'on decision true', 'change', 'on change true', 'ready', 'on ready true', 'recorded', 'on recorded true',
  ]);
  assert.equal((await stored(page)).c, '1--1.----');
  assert.equal(await banner(page), 1, 'two questions are still open');
  assert.ok(page.said.some((line) => line.includes('the notice asks for no nonsense')));
  await page.evaluate(() => {
    const f = () => told.push('again');
    volenti.on('decision', f);
    volenti.off('decision', f);
    volenti.rejectAll();
    volenti.rejectAll();
  });
  assert.ok(!(await page.evaluate(() => told)).includes('again'));
  assert.deepEqual(page.thrown, []);
});

test('what a page calls right behind the script is done, whether its visitor has decided or not', async () => {
  const visitor = await s.visitor();
  const before = { 'a first visit': undefined, 'who allowed everything': 'accept', 'who refused something': 'reject' };
  for (const [who, answer] of Object.entries(before)) {
    if (answer) {
      const page = await s.open('/plain.html', visitor);
      await ready(page);
      await page.evaluate((yes) => (yes ? volenti.acceptAll() : volenti.rejectAll()), answer === 'accept');
      await until(async () => (await s.requests()).at(-1) === 'GET /b/shop.js', 'the cached script is refreshed');
    }
    const page = await s.open('/calls.html', visitor);
    await until(() => page.evaluate(() => told.length === 3), 'what was called is done: ' + who);
    assert.deepEqual(await page.evaluate(() => told.sort()), ['late', 'ready', 'receipt ' + !!answer], who);
    await page.locator('volenti-banner dialog').waitFor();
    assert.deepEqual(page.thrown, [], who);
  }
});

test('hide takes the first layer away without a decision', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  await page.evaluate(() => volenti.hide());
  await until(async () => (await banner(page)) === 0, 'the first layer to go');
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await page.reload();
  await ready(page);
  assert.equal(await banner(page), 1);
});

test('the script twice in a page is the script once', async () => {
  const page = await s.open('/twice.html');
  await ready(page);
  await page.addScriptTag({ url: s.shop + '/b/shop.js?third' });
  await quiet();
  assert.equal(await banner(page), 1);
  assert.equal((await layer(page)).filter((entry) => entry[2] === 'default').length, 1);
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 4);
  await quiet();
  assert.deepEqual(await ran(page), ['A', 'B', 'C', 'D']);
  assert.equal((await s.decisions()).length, 1);
});

test('a page that comes back as it was left follows what was decided meanwhile', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  await page.evaluate(() => volenti.acceptAll());
  await recorded(page);
  const newer = { ...(await stored(page)), c: '1000.----' };
  newer.a += 5;
  await page.evaluate((text) => {
    localStorage.setItem('volenti', text);
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
  }, JSON.stringify(newer));
  assert.equal(await page.evaluate(() => volenti.state.categories.marketing), false);
});

test('settings and accept controls are what the page’s own tools look for', async () => {
  const page = await s.open('/plain.html');
  for (const name of ['accept', 'reject', 'settings']) assert.equal(await control(page, name).isVisible(), true, name);
});
