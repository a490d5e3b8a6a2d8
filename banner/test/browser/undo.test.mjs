// Every choice can be taken back for ten seconds, and taking back is a decision of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready, recorded, site, stored, until } from './harness.mjs';

const s = site();
const undo = (page) => page.locator('volenti-status [data-volenti=undo]');
const status = (page) => page.locator('volenti-status');
const line = (page) => page.evaluate(() => document.querySelector('volenti-status')?.shadowRoot.querySelector('[role=status]').textContent ?? '');
const says = (page, text) => until(() => line(page).then((is) => is === text), text);
const asked = async (page) => (await page.locator('volenti-banner:not([data-volenti])').count()) > 0;
const sent = async () => (await s.decisions()).map(({ action, surface, categories, vendors }) => ({ action, surface, categories, vendors }));
const none = { preferences: false, analytics: false, marketing: false };
const settings = async (page) => {
  await page.evaluate(() => volenti.show());
  await page.locator('dialog [data-volenti=save]').waitFor();
};
/** Loads the page anew and waits until it is known whether it asks. */
const again = async (page) => {
  await page.goto(s.shop + '/embeds.html');
  await until(() => page.evaluate(() => !!document.querySelector('volenti-banner, volenti-reopen')), 'what stands in the page');
  return asked(page);
};

test('a first yes taken back is withdrawn really, and the visitor is asked again', async () => {
  const page = await s.open('/embeds.html');
  await press(page, 'accept');
  await until(() => page.locator('iframe[src]').count().then((n) => n === 4), 'the frames');
  await page.evaluate(() => void (document.cookie = '_ads=1;path=/'));
  await undo(page).click();
  await says(page, 'Your last choice is undone.');
  assert.equal(await undo(page).count(), 0, 'what is undone has no undo');
  assert.ok(await asked(page));
  await until(() => page.locator('volenti-placeholder').count().then((n) => n === 4), 'the placeholders');
  assert.equal(await page.locator('iframe[src]').count(), 0);
  assert.deepEqual(await page.evaluate(() => volenti.state.categories), { necessary: true, ...none });
  await until(() => page.evaluate(() => !document.cookie.includes('_ads')), 'the cookie to go');
  const all = await until(async () => (await s.decisions())[1] && s.decisions());
  assert.deepEqual((await sent()).map((d) => [d.action, d.surface, d.categories]), [
    ['accept_all', 'banner', { preferences: true, analytics: true, marketing: true }],
    ['withdraw', 'banner', none],
  ]);
  assert.match(all[1].previous, /^[0-9a-hjkmnp-tv-z]{32}$/, 'in the place of the one that is undone');
  await until(() => page.evaluate(() => !document.cookie.includes('volenti') && !localStorage.volenti), 'nothing to be remembered');
  assert.ok(await again(page), 'as if nothing had been chosen');
  assert.deepEqual(page.thrown, []);
});

test('another tab that heard of it does not bring it back', async () => {
  const visitor = await s.visitor();
  const other = await s.open('/plain.html', visitor);
  await ready(other);
  const page = await s.open('/embeds.html', visitor);
  await press(page, 'accept');
  await until(() => other.evaluate(() => volenti.state.decided), 'the other tab');
  await undo(page).click();
  await until(() => page.evaluate(() => !document.cookie.includes('volenti') && !localStorage.volenti), 'nothing to be remembered');
  await until(() => other.evaluate(() => !volenti.state.categories.marketing), 'the other tab');
  await quiet();
  assert.equal(await stored(other), null);
  assert.equal(await status(other).count(), 0, 'what is said is said where it was chosen');
});

test('who is asked again can choose at once, and take that back too', async () => {
  const page = await s.open('/embeds.html');
  await press(page, 'reject');
  await undo(page).click();
  await press(page, 'accept');
  await until(() => page.locator('iframe[src]').count().then((n) => n === 4), 'the frames');
  assert.equal(await asked(page), false);
  await undo(page).click();
  assert.ok(await asked(page));
  await until(async () => (await s.decisions()).length === 4);
  assert.deepEqual((await sent()).map((d) => d.action), ['reject_all', 'withdraw', 'accept_all', 'withdraw']);
});

test('exactly the decision before is restored, vendors set apart and all', async () => {
  const page = await s.open('/embeds.html');
  await ready(page);
  await page.evaluate(() => volenti.set({ preferences: true, analytics: false, marketing: true, ads: false }));
  await recorded(page);
  const { c } = await stored(page);
  assert.equal(c, '1101.--0-');
  assert.equal(await status(page).count(), 0, "what the page does by its own hand has no message of ours");
  await settings(page);
  await page.locator('dialog [data-volenti=withdraw]').click();
  await page.locator('volenti-placeholder').nth(3).waitFor();
  await undo(page).click();
  assert.equal((await stored(page)).c, c);
  await until(() => page.locator('iframe[src]').count().then((n) => n === 2), 'what was allowed before');
  assert.equal(await asked(page), false);
  await until(async () => (await s.decisions()).length === 3);
  assert.deepEqual((await sent())[2], { action: 'save', surface: 'settings', categories: { preferences: true, analytics: false, marketing: true }, vendors: { ads: false } });
  assert.equal(await again(page), false);
});

test('a no is restored as a withdrawal of what came after it', async () => {
  const page = await s.open('/embeds.html');
  await press(page, 'reject');
  await recorded(page);
  await settings(page);
  await page.locator('dialog [data-volenti=accept]').click();
  await until(() => page.locator('iframe[src]').count().then((n) => n === 4), 'the frames');
  await undo(page).click();
  await until(() => page.locator('iframe[src]').count().then((n) => n === 0), 'no frames');
  await until(async () => (await s.decisions()).length === 3);
  assert.deepEqual((await sent())[2], { action: 'withdraw', surface: 'settings', categories: none, vendors: {} });
  assert.equal(await again(page), false, 'a no is a decision');
});

test('what was allowed at a placeholder is taken back there', async () => {
  const page = await s.open('/embeds.html');
  await page.locator('volenti-placeholder [data-volenti=allow]').first().click();
  await page.locator('iframe[src]').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'one', 'focus is where the button was');
  await undo(page).click();
  await page.locator('volenti-placeholder').nth(3).waitFor();
  assert.ok(await asked(page));
  await until(async () => (await s.decisions()).length === 2);
  assert.deepEqual((await sent()).map((d) => [d.action, d.surface]), [['save', 'placeholder'], ['withdraw', 'placeholder']]);
});

test('ten seconds, not counting those in which somebody is there', async () => {
  const context = await s.visitor();
  await context.clock.install();
  const page = await s.open('/plain.html', context);
  await press(page, 'reject');
  await undo(page).waitFor();
  const after = async (ms) => {
    await context.clock.runFor(ms);
    return undo(page).count();
  };
  assert.equal(await after(9000), 1);
  await undo(page).focus();
  assert.equal(await after(60_000), 1, 'with focus');
  await undo(page).evaluate((button) => button.blur());
  await undo(page).hover();
  assert.equal(await after(60_000), 1, 'under the pointer');
  await page.mouse.move(5, 5);
  assert.equal(await after(9000), 1, 'counted anew');
  assert.equal(await after(1500), 0);
});

test('undo takes no focus, is two tabs from it, and works by keyboard', async () => {
  const page = await s.open('/plain.html');
  await control(page, 'reject').focus();
  await page.keyboard.press('Enter');
  await undo(page).waitFor();
  const focused = () =>
    page.evaluate(() => {
      let el = document.activeElement;
      while (el?.shadowRoot?.activeElement) el = el.shadowRoot.activeElement;
      return el.dataset.volenti ?? el.getRootNode().host?.localName ?? el.localName;
    });
  assert.equal(await focused(), 'volenti-reopen');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'undo');
  await page.keyboard.press('Enter');
  assert.ok(await asked(page));
  assert.notEqual(await focused(), 'accept');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'reject', 'the question comes next');
});

test('a notice that was read, a signal and what the page does by itself have no undo', async () => {
  const notice = await s.open('/plain.html?m=-nnn');
  await press(notice, 'accept');
  await until(() => line(notice));
  assert.equal(await undo(notice).count(), 0);
  const signal = await s.open('/plain.html?m=-ooo&boot=' + encodeURIComponent('{"g":1}'));
  await until(() => s.decisions().then((all) => all.some((d) => d.action === 'signal')));
  await quiet(2500);
  assert.equal(await undo(signal).count(), 0);
  const api = await s.open('/plain.html');
  await ready(api);
  await api.evaluate(() => volenti.acceptAll());
  await recorded(api);
  await quiet(2500);
  assert.equal(await undo(api).count(), 0);
});

test('it works while the server is down, and both decisions arrive in order', async () => {
  await s.mode('down');
  const page = await s.open('/embeds.html');
  await press(page, 'accept');
  await until(() => page.locator('iframe[src]').count().then((n) => n === 4), 'the frames');
  await undo(page).click();
  await until(() => page.locator('iframe[src]').count().then((n) => n === 0), 'no frames');
  assert.ok(await asked(page));
  await s.mode('');
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await until(async () => (await s.decisions()).length === 2);
  assert.deepEqual((await sent()).map((d) => d.action), ['accept_all', 'withdraw']);
  await until(() => page.evaluate(() => !localStorage.volenti), 'nothing to be remembered');
});
