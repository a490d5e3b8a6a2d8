// What a notice can say of the looks of the first layer: where it stands, whether the page waits, its logo, its colours.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { control, press, quiet, ready, recorded, site, stored, until } from './harness.mjs';

/** What we say in each language, by its file's name. */
const wordings = () => {
  const folder = new URL('../../../server/notice/wording/', import.meta.url);
  return readdirSync(folder).map((name) => ({ name, ...JSON.parse(readFileSync(new URL(name, folder), 'utf8')) }));
};
const wide = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 320, height: 568 } };
const layer = (page) => page.locator('volenti-banner:not([data-volenti])');
const asked = async (page) => (await layer(page).locator('[data-volenti=reject]').count()) > 0;
const panel = (page) => page.evaluate(() => {
  const host = document.querySelector('[data-volenti=reject]').parentNode;
  const { left, top, right, bottom } = host.shadowRoot.querySelector('.panel').getBoundingClientRect();
  return { left, top, right, bottom };
});
/** Everything that makes one button look weightier than another. */
const look = (page, name) =>
  control(page, name).evaluate((el) => {
    const { width, height } = el.getBoundingClientRect();
    const style = getComputedStyle(el);
    return [Math.round(width), Math.round(height), style.backgroundColor, style.color, style.fontSize, style.fontWeight, style.borderTopColor].join();
  });

for (const position of ['bottom', 'bottom-start', 'bottom-end', 'top', 'center'])
  describe(position, () => {
    const s = site({ change: { look: { position }, languages: ['en', 'ar'] } });
    test('stands where it should, whole, in both directions of writing', async () => {
      for (const [lang, view] of [['en', wide], ['ar', wide], ['en', phone], ['ar', phone]]) {
        const page = await s.open('/plain.html?lang=' + lang, await s.visitor(view));
        await control(page, 'reject').waitFor();
        const { width, height } = view.viewport;
        const { left, top, right, bottom } = await panel(page);
        const where = `${lang} ${width}: ${[left, top, right, bottom]}`;
        assert.ok(left >= 11 && top >= 11 && right <= width - 11 && bottom <= height - 11, 'in the window: ' + where);
        const middle = (top + bottom) / 2;
        const [vertical] = position.split('-');
        assert.ok(vertical === 'top' ? top === 12 : vertical === 'bottom' ? bottom === height - 12 : Math.abs(middle - height / 2) < 2, where);
        const start = lang === 'ar' ? width - right : left;
        const end = lang === 'ar' ? left : width - right;
        if (width > 1000) assert.ok(position.endsWith('start') ? start === 12 && end > 400 : position.endsWith('end') ? end === 12 && start > 400 : Math.abs(start - end) < 2, where);
      }
    });
  });

describe('inline', () => {
  const s = site({ change: { look: { position: 'inline' } } });
  const below = (page) => page.evaluate(() => document.querySelector('#below').getBoundingClientRect().top);
  const shift = (page) => page.evaluate(() => window.shift);

  test('stands in the page, and nothing shifts when it comes, goes and stays away', async () => {
    const page = await s.open('/inline.html', await s.visitor(wide));
    await control(page, 'reject').waitFor();
    await quiet();
    assert.equal(await shift(page), 0, 'when it comes');
    const box = await panel(page);
    assert.ok(box.top > 50 && box.bottom <= (await below(page)), 'between what is around it');
    assert.equal(await look(page, 'accept'), await look(page, 'reject'));
    await press(page, 'reject');
    assert.equal(await asked(page), false);
    await recorded(page);
    assert.equal(await shift(page), 0, 'when it goes, by the click of the visitor');
    await page.locator('volenti-status [data-volenti=undo]').click();
    assert.ok(await asked(page), 'back in its place');
    assert.ok((await panel(page)).bottom <= (await below(page)));
    await press(page, 'reject');
    await until(async () => (await s.decisions()).length === 3);
    await page.goto(s.shop + '/inline.html');
    await ready(page);
    await quiet();
    assert.equal(await asked(page), false);
    assert.equal(await page.evaluate(() => document.querySelector('volenti-banner').getBoundingClientRect().height), 0, 'no room is kept for who has decided');
    assert.equal(await shift(page), 0);
    assert.deepEqual(page.thrown, []);
  });

  test('a page without the element is asked at the edge of the window, until it has one', async () => {
    const page = await s.open('/plain.html', await s.visitor(wide));
    await control(page, 'reject').waitFor();
    assert.equal((await panel(page)).bottom, 800 - 12);
    await page.evaluate(() => document.querySelector('main').append(document.createElement('volenti-banner')));
    await until(async () => (await panel(page)).bottom < 700);
    assert.equal(await page.locator('main [data-volenti=reject]').count(), 1);
    assert.equal(await page.locator('[data-volenti=reject]').count(), 1);
    await press(page, 'reject');
    assert.equal((await stored(page)).c.slice(0, 4), '1000');
  });

  test('a page that is drawn anew keeps its question', async () => {
    const page = await s.open('/inline.html');
    await control(page, 'reject').waitFor();
    await page.evaluate(() => document.querySelector('main').replaceChildren('other'));
    await until(() => asked(page), 'at the edge');
    await page.evaluate(() => document.querySelector('main').replaceChildren(document.createElement('volenti-banner')));
    await until(() => page.locator('main [data-volenti=reject]').count(), 'in the new page');
    await press(page, 'reject');
    await page.evaluate(() => document.querySelector('main').replaceChildren(document.createElement('volenti-banner')));
    await quiet();
    assert.equal(await asked(page), false);
  });
});

describe('modal', () => {
  const s = site({ change: { look: { position: 'center', modal: true } } });
  const focus = (page) => page.evaluate(() => [document.activeElement.localName, document.activeElement.dataset.volenti].join(' '));

  test('the page waits, no key answers by itself, and both answers are alike', async () => {
    for (const view of [wide, phone, { ...wide, colorScheme: 'dark' }]) {
      const page = await s.open('/plain.html', await s.visitor(view));
      await control(page, 'reject').waitFor();
      assert.equal(await focus(page), 'dialog ', 'on neither answer');
      assert.equal(await look(page, 'accept'), await look(page, 'reject'));
      const order = [];
      for (let i = 0; i < 12; i++) {
        await page.keyboard.press('Tab');
        order.push(await focus(page));
      }
      assert.ok(!order.some((what) => what.endsWith('open')), 'nothing of the page has focus: ' + order);
      assert.deepEqual(order.slice(0, 3), ['button reject', 'button accept', 'button settings']);
      await assert.rejects(page.locator('#mine').click({ timeout: 500 }), 'nothing of the page can be clicked');
      for (let i = 0; i < 3; i++) await page.keyboard.press('Escape');
      assert.ok(await control(page, 'reject').isVisible());
      await page.evaluate(() => document.querySelector('dialog').close());
      await until(() => page.evaluate(() => !!document.querySelector('dialog:modal')), 'the dialog to open again');
      assert.deepEqual([await stored(page), await s.decisions()], [null, []], 'and nothing is decided by any of it');
    }
  });

  test('an answer lets the page go; undo asks again; the second layer opens above', async () => {
    const page = await s.open('/plain.html');
    await press(page, 'settings');
    await page.locator('dialog [data-volenti=close]').click();
    await until(() => focus(page).then((what) => what === 'button settings'), 'the focus');
    await press(page, 'settings');
    await page.locator('dialog [data-volenti=save]').click();
    assert.equal((await stored(page)).c.slice(0, 4), '1000');
    assert.equal(await asked(page), false);
    await page.locator('volenti-status [data-volenti=undo]').click();
    await until(() => page.evaluate(() => !!document.querySelector('dialog:modal')), 'the question');
    await press(page, 'accept');
    assert.equal(await page.evaluate(() => !!document.querySelector('dialog')), false);
    await page.locator('#mine').click();
    await page.locator('dialog [data-volenti=save]').waitFor();
    assert.deepEqual(page.thrown, []);
  });
});

describe('logo', () => {
  const s = site({ change: { look: { logo: '/logo.svg' } } });
  test('has its place before it is there, and a name', async () => {
    for (const comes of [true, false]) {
      const visitor = await s.visitor(wide);
      let answer;
      await visitor.route('**/logo.svg', (route) => {
        answer = () => (comes ? route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="300"><rect width="900" height="300"/></svg>' }) : route.abort());
      });
      const page = await visitor.newPage();
      await page.goto(s.shop + '/plain.html', { waitUntil: 'commit' });
      await control(page, 'reject').waitFor();
      await until(() => answer, 'the request');
      const boxes = () => page.evaluate(() => [...document.querySelectorAll('volenti-banner > *')].map((el) => Object.values(el.getBoundingClientRect().toJSON()).join()));
      const before = await boxes();
      await answer();
      await until(() => page.evaluate(() => document.querySelector('volenti-banner img').complete));
      await quiet(100);
      assert.deepEqual(await boxes(), before, `comes: ${comes}`);
      assert.equal(await page.locator('volenti-banner img').getAttribute('alt'), 'Test Shop');
    }
  });
});

describe('theme', () => {
  const s = site();
  test('the documented properties and parts reach every surface', async () => {
    const page = await s.open('/embeds.html');
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`
        :root { --volenti-accent: rgb(1, 2, 3); --volenti-on-accent: rgb(4, 5, 6); --volenti-background: rgb(7, 8, 9); --volenti-text: rgb(200, 201, 202); --volenti-radius: 3px; --volenti-width: 400px; --volenti-gap: 20px }
        volenti-banner::part(panel), volenti-placeholder::part(panel), volenti-status::part(panel) { outline: 5px solid rgb(10, 11, 12) }
        volenti-reopen::part(button), volenti-status::part(button) { outline: 6px solid rgb(10, 11, 12) }`);
      document.adoptedStyleSheets = [sheet];
    });
    const style = (selector, inner, ...names) =>
      page.evaluate(([sel, inside, all]) => {
        const host = document.querySelector(sel);
        const style = getComputedStyle(inside ? host.shadowRoot.querySelector(inside) : host);
        return all.map((name) => style[name]);
      }, [selector, inner, names]);
    await page.locator('volenti-placeholder').first().waitFor();
    assert.deepEqual(await style('volenti-banner [data-volenti=reject]', '', 'backgroundColor', 'color', 'borderTopLeftRadius'), ['rgb(1, 2, 3)', 'rgb(4, 5, 6)', '3px']);
    assert.deepEqual(await style('volenti-banner', '.panel', 'backgroundColor', 'color', 'width', 'outlineWidth'), ['rgb(7, 8, 9)', 'rgb(200, 201, 202)', '400px', '5px']);
    assert.equal((await panel(page)).bottom, 720 - 20);
    assert.deepEqual(await style('volenti-placeholder', 'div', 'outlineWidth'), ['5px']);
    await press(page, 'reject');
    await page.locator('volenti-status [data-volenti=undo]').waitFor();
    assert.deepEqual(await style('volenti-status', '.panel', 'backgroundColor', 'color', 'outlineWidth'), ['rgb(7, 8, 9)', 'rgb(200, 201, 202)', '5px']);
    assert.deepEqual(await style('volenti-status', 'button', 'outlineWidth'), ['6px']);
    assert.deepEqual(await style('volenti-reopen', 'button', 'backgroundColor', 'outlineWidth'), ['rgb(7, 8, 9)', '6px']);
  });
});

describe('placeholders', () => {
  const s = site();
  test('all of one vendor are released together, however many, and the later ones too', async () => {
    const page = await s.open('/plain.html');
    await ready(page);
    const add = (n) =>
      page.evaluate(([count, src]) => {
        for (let i = 0; i < count; i++) {
          const frame = Object.assign(document.createElement('iframe'), { width: 200, height: 90, title: 'f' });
          Object.assign(frame.dataset, { category: 'marketing', service: i % 2 ? 'ads' : 'social', src: `${src}/f${i}` });
          document.querySelector('main').append(frame);
        }
      }, [n, s.vendor]);
    await add(24);
    await until(() => page.locator('volenti-placeholder').count().then((n) => n === 24));
    const height = () => page.evaluate(() => document.querySelector('main').getBoundingClientRect().height);
    const before = await height();
    await page.locator('volenti-placeholder [data-volenti=allow]').nth(1).click();
    await until(() => page.locator('iframe[src]').count().then((n) => n === 12), 'all of that vendor');
    assert.equal(await page.locator('volenti-placeholder').count(), 12, 'and none of another');
    assert.equal(await height(), before);
    await add(4);
    await until(() => page.locator('iframe[src]').count().then((n) => n === 14), 'the later ones');
    assert.equal((await s.decisions()).length, 1);
  });

  test('a box as small as a social button shows all of what its button says, in every language', async () => {
    const page = await s.open('/plain.html');
    await ready(page);
    await page.evaluate((src) => {
      const frame = Object.assign(document.createElement('iframe'), { width: 130, height: 28, title: 'f' });
      frame.style.border = '0';
      Object.assign(frame.dataset, { category: 'marketing', service: 'social', src });
      document.querySelector('main').append(frame);
    }, `${s.vendor}/like`);
    const button = page.locator('volenti-placeholder [data-volenti=allow]');
    await button.waitFor();
    for (const { name, allow } of wordings()) {
      const [text, box] = await button.evaluate((el, words) => {
        el.textContent = words;
        const range = document.createRange();
        range.selectNodeContents(el);
        return [range, el.getRootNode().host].map((of) => of.getBoundingClientRect().toJSON());
      }, allow);
      const whole = text.top >= box.top && text.bottom <= box.bottom && text.left >= box.left && text.right <= box.right;
      assert.ok(whole, `${name}: ${allow}: ${JSON.stringify(text)} in ${JSON.stringify(box)}`);
    }
  });

  test('the box follows what a media query says of its frame', async () => {
    const visitor = await s.visitor({ viewport: { width: 900, height: 700 } });
    await visitor.addInitScript(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync('iframe { width: 60%; height: auto; aspect-ratio: 2 } @media (max-width: 600px) { iframe { width: 100%; aspect-ratio: 1; margin: 9px 0 } }');
      document.adoptedStyleSheets = [sheet];
    });
    const page = await s.open('/embeds.html', visitor);
    const ends = [];
    for (const held of [true, false]) {
      if (!held) await press(page, 'accept');
      await until(() => page.locator('volenti-placeholder').count().then((n) => n === (held ? 4 : 0)));
      for (const width of [900, 500, 900]) {
        await page.setViewportSize({ width, height: 700 });
        await quiet(200);
        ends.push(await page.evaluate(() => document.querySelector('#end').offsetTop));
      }
    }
    assert.ok(ends[0] !== ends[1], 'the sheet counts');
    assert.deepEqual(ends.slice(3), ends.slice(0, 3));
  });
});
