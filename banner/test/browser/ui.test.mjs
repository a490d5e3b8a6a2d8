import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { control, press, ready, recorded, site, stored, until } from './harness.mjs';

const s = site();
const phone = { viewport: { width: 320, height: 568 } };

/** What has focus, through shadow roots: its data-volenti, or its tag. */
const focused = (page) =>
  page.evaluate(() => {
    let el = document.activeElement;
    while (el?.shadowRoot?.activeElement) el = el.shadowRoot.activeElement;
    return el.dataset.volenti ?? el.closest('[id]')?.id ?? (el.getRootNode().host ?? el).localName;
  });

/** Everything that makes one button look weightier than another. */
const look = (page, name) =>
  control(page, name).evaluate((el) => {
    const { width, height } = el.getBoundingClientRect();
    const style = getComputedStyle(el);
    const own = ['fontSize', 'fontWeight', 'fontFamily', 'color', 'backgroundColor', 'borderTopWidth', 'borderTopColor', 'opacity', 'visibility', 'transform', 'letterSpacing'];
    return { tag: el.localName, width: Math.round(width), height: Math.round(height), ...Object.fromEntries(own.map((p) => [p, style[p]])) };
  });

const announced = (page) => page.evaluate(() => document.querySelector('volenti-status')?.shadowRoot.querySelector('[role=status]').textContent ?? '');
const dialog = (page) => page.locator('volenti-banner dialog');
const toggle = (page, of, key) => dialog(page).locator(`[data-volenti-${of}=${key}]`);
const settings = async (page) => {
  await press(page, 'settings');
  await dialog(page).locator('[data-volenti=save]').waitFor();
};

test('no is as easy as yes: the buttons differ in their words only', async () => {
  for (const options of [{ viewport: { width: 1280, height: 800 } }, phone, { ...phone, colorScheme: 'dark' }, { forcedColors: 'active' }]) {
    for (const query of ['', '?m=-ooo', '?m=-nnn']) {
      const page = await s.open('/plain.html' + query, await s.visitor(options));
      await control(page, 'reject').waitFor();
      const accept = await look(page, 'accept');
      assert.ok(accept.width >= 44 && accept.height >= 44, JSON.stringify(accept));
      assert.deepEqual(await look(page, 'reject'), accept, query);
      assert.deepEqual(await look(page, 'settings'), accept, query);
    }
  }
});

test('the first layer leaves most of a small screen free, and its buttons are all in view', async () => {
  for (const viewport of [phone.viewport, { width: 568, height: 320 }, { width: 640, height: 400 }]) {
    const page = await s.open('/plain.html', await s.visitor({ viewport }));
    await control(page, 'reject').waitFor();
    const banner = await page.locator('volenti-banner').boundingBox();
    assert.ok(banner.height <= viewport.height * 0.45 + 1, `${banner.height} of ${viewport.height}`);
    for (const name of ['reject', 'accept', 'settings']) {
      const box = await control(page, name).boundingBox();
      assert.ok(box.y >= banner.y && box.y + box.height <= viewport.height, name);
    }
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  }
});

test('the first layer takes no focus, traps none, and is first in Tab order', async () => {
  const page = await s.open('/plain.html');
  await control(page, 'reject').waitFor();
  assert.equal(await focused(page), 'body');
  const order = [];
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press('Tab');
    order.push(await focused(page));
  }
  assert.deepEqual(order, ['reject', 'accept', 'settings', 'a', 'open']);
});

test('nothing shifts when the first layer comes and goes', async () => {
  const page = await s.open('/boxes.html');
  await page.evaluate(() => {
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value))).observe({ type: 'layout-shift', buffered: true });
  });
  await page.locator('volenti-placeholder').first().waitFor();
  await page.waitForTimeout(1000); // a shift soon after a click doesn't count as one
  await page.evaluate(() => document.querySelector('[data-volenti=accept]').click());
  await until(async () => (await page.locator('volenti-placeholder').count()) === 0);
  assert.equal(await page.evaluate(() => window.shift), 0);
});

test('no style of the page reaches the layers', async () => {
  const plain = await s.open('/plain.html');
  const hostile = await s.open('/hostile.html');
  const looks = async (page) => {
    const all = [];
    for (const name of ['reject', 'accept', 'settings']) all.push(await look(page, name));
    return all;
  };
  assert.deepEqual(await looks(hostile), await looks(plain));
  assert.deepEqual(await hostile.locator('volenti-banner').boundingBox(), await plain.locator('volenti-banner').boundingBox());
  for (const page of [plain, hostile]) await settings(page);
  const panel = (page) => page.locator('volenti-banner dialog > div').boundingBox();
  assert.deepEqual(await panel(hostile), await panel(plain));
  await dialog(hostile).locator('[data-volenti=reject]').click();
  assert.deepEqual((await stored(hostile)).c.slice(0, 4), '1000');
  await hostile.locator('volenti-reopen button').click();
  await dialog(hostile).locator('[data-volenti=close]').click();
  assert.deepEqual(hostile.thrown, []);
});

test('closing the second layer changes nothing, and focus goes back', async () => {
  const page = await s.open('/plain.html');
  for (const close of [() => page.keyboard.press('Escape'), () => dialog(page).locator('[data-volenti=close]').click()]) {
    await control(page, 'settings').focus();
    await page.keyboard.press('Enter');
    await dialog(page).waitFor();
    assert.equal(await focused(page), 'close');
    await toggle(page, 'category', 'marketing').check();
    await close();
    await until(async () => (await page.locator('dialog').count()) === 0);
    assert.equal(await focused(page), 'settings');
    assert.equal(await stored(page), null);
    assert.deepEqual(await s.decisions(), []);
  }
  assert.ok(await control(page, 'accept').isVisible());
});

test('nothing optional is ticked before a decision, and Tab stays inside', async () => {
  const page = await s.open('/plain.html');
  await settings(page);
  const ticked = await dialog(page).locator('input').evaluateAll((all) => all.filter((i) => i.checked).map((i) => [i.dataset.volentiCategory, i.disabled]));
  assert.deepEqual(ticked, [['necessary', true]]);
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest('dialog')));
  }
});

test('a vendor follows its category until it is set apart, and exactly that is saved', async () => {
  const page = await s.open('/plain.html');
  await settings(page);
  await toggle(page, 'category', 'marketing').check();
  for (const summary of await dialog(page).locator('summary').all()) await summary.click();
  assert.ok(await toggle(page, 'vendor', 'social').isChecked());
  await toggle(page, 'vendor', 'ads').uncheck();
  await toggle(page, 'vendor', 'counter').check();
  const state = (key) => toggle(page, 'category', key).evaluate((i) => [i.checked, i.indeterminate]);
  assert.deepEqual(await state('marketing'), [true, true]);
  assert.deepEqual(await state('analytics'), [true, false], 'all of its vendors are on');
  await dialog(page).locator('[data-volenti=save]').click();
  assert.equal((await stored(page)).c, '1011.--0-');
  await until(async () => (await focused(page)) === 'volenti-reopen', 'focus on the control that stands for the choice');
  const [decision] = await until(async () => (await s.decisions()).length && s.decisions());
  assert.deepEqual(
    [decision.action, decision.surface, decision.categories, decision.vendors],
    ['save', 'settings', { preferences: false, analytics: true, marketing: true }, { ads: false }],
  );
  await until(() => announced(page).then((text) => text === 'Your choice is recorded.'));
});

test('withdrawing takes two clicks, and the receipt can be taken along', async () => {
  const page = await s.open('/plain.html');
  await press(page, 'accept');
  await until(async () => (await focused(page)) === 'volenti-reopen', 'the focus');
  await recorded(page);
  await page.locator('volenti-reopen button').click();
  const link = dialog(page).locator('a[download]');
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  assert.equal(download.suggestedFilename(), 'volenti-receipt.json');
  const receipt = JSON.parse(await readFile(await download.path(), 'utf8'));
  assert.equal(receipt.id, (await stored(page)).r);
  await dialog(page).locator('[data-volenti=withdraw]').click();
  assert.equal((await stored(page)).c.slice(0, 4), '1000');
  const sent = await until(async () => (await s.decisions())[1]);
  assert.deepEqual([sent.action, sent.previous], ['withdraw', receipt.id]);
  await page.locator('volenti-reopen button').click();
  await dialog(page).waitFor();
  assert.equal(await dialog(page).locator('[data-volenti=withdraw]').count(), 0, 'nothing is left to withdraw');
});

test('an OK under a notice chooses nothing', async () => {
  const page = await s.open('/plain.html?m=-nnn');
  await press(page, 'accept');
  assert.equal((await stored(page)).c, '1---.----');
  const [decision] = await until(async () => (await s.decisions()).length && s.decisions());
  assert.deepEqual([decision.action, decision.categories], ['acknowledge', {}]);
});

test('while the server is down the visitor is told so, and that the choice applies', async () => {
  await s.mode('down');
  const page = await s.open('/plain.html');
  await press(page, 'reject');
  await until(() => announced(page).then((text) => text.startsWith('Your choice applies already.')));
  await page.locator('volenti-reopen button').click();
  await until(async () => (await dialog(page).locator('.status').innerText()).includes('applies already'));
});

test('where the law asks for it the control has its words and its icon', async () => {
  const page = await s.open('/plain.html?m=-ooo&boot=' + encodeURIComponent('{"l":1}'));
  await press(page, 'reject');
  const button = page.locator('volenti-reopen button');
  assert.equal(await button.innerText(), 'Your privacy choices');
  assert.match(await button.evaluate((el) => getComputedStyle(el, '::before').clipPath), /^path/);
});

test('a placeholder has the box of its frame, whatever the layout, and gives it back', async () => {
  const page = await s.open('/boxes.html', await s.visitor({ viewport: { width: 900, height: 700 } }));
  const boxes = () =>
    page.evaluate(() =>
      [...document.querySelectorAll('main, main *')]
        .filter((el) => getComputedStyle(el).display !== 'none')
        .map((el) => Object.values(el.getBoundingClientRect().toJSON()).slice(0, 4)),
    );
  const widths = [900, 500];
  const at = async () => {
    const all = [];
    for (const width of widths) {
      await page.setViewportSize({ width, height: 700 });
      await page.evaluate(() => scrollTo(0, 0));
      all.push(await boxes());
    }
    return all;
  };
  await until(async () => (await page.locator('volenti-placeholder').count()) === 6);
  const held = await at();
  await page.locator('volenti-placeholder [data-volenti=allow]').first().click();
  await until(async () => (await page.locator('volenti-placeholder').count()) === 0);
  // Text is laid out in fractions of pixels; a shift that can be seen is larger.
  (await at()).flat(2).forEach((x, i) => assert.ok(Math.abs(x - held.flat(2)[i]) < 0.5, `${x} was ${held.flat(2)[i]}`));
  assert.equal((await stored(page)).c, '1---.--1-', 'one vendor is allowed, and nothing else is answered');
});

test('under the strictest policy nothing of ours is refused', async () => {
  await s.header('Content-Security-Policy', "default-src 'none'; script-src 'nonce-n0nce' 'strict-dynamic'; style-src 'nonce-n0nce'; frame-src *; connect-src 'self'; require-trusted-types-for 'script'; trusted-types consent");
  const page = await s.open('/boxes.html');
  await ready(page);
  await settings(page);
  await dialog(page).locator('[data-volenti=accept]').click();
  await until(async () => (await page.locator('volenti-placeholder').count()) === 0);
  assert.deepEqual(page.said.filter((line) => /Content.Security|Trusted/.test(line)), []);
  assert.deepEqual(page.thrown, []);
});
