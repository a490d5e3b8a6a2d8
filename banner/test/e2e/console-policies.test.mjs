// The morning of somebody in legal: from signing in to a published policy, what its readers then meet, and what keeps
// two people who write at once from losing words.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { control, press, quiet } from '../browser/harness.mjs';
import { findings, fits } from './axe.mjs';
import { enter, invite, reach } from './console.mjs';
import { wait, world } from './world.mjs';

const s = world();
const policies = '/admin/sites/shop/policies';
let owner; // a browser in which the first owner is signed in

beforeEach(async () => {
  owner ??= await enter(s);
});

/** A page of the console, in the owner's browser unless another is given. */
const open = (path, who = owner) => who.open(path);
const button = (page, name) => page.getByRole('button', { name, exact: true });
const text = (page, language = 'English (en)') => page.getByRole('region', { name: language }).getByLabel('Text', { exact: true });

/** Begins a draft of the next version, changed as `change` says. */
const draft = async (page, change) => {
  await page.goto(s.server.base + policies + '/privacy');
  await button(page, 'Draft the next version').click();
  await text(page).fill(change(await text(page).inputValue()));
};
/** From the editor to the page that publishes, with what visitors are told. */
const announce = async (page, { summary, grace, day } = {}) => {
  await button(page, 'Keep, and go on to publish').click();
  if (summary) {
    await page.getByLabel('It is a material change').check();
    await page.getByLabel('Grace, in days').fill(String(grace ?? 0));
    await page.getByLabel('In English (en)').fill(summary);
  }
  if (day) {
    await page.getByLabel('from the beginning of a day').check();
    await page.locator('#field-day').fill(day);
  }
  await button(page, 'Keep, and look it over').click();
};
const publish = async (page) => {
  await page.getByLabel(/I have read/).check();
  await page.getByRole('button', { name: /(publish|schedule) version/i }).click();
  await page.getByRole('status').filter({ hasText: /^Version/ }).waitFor();
};
const inForce = async (path = '') => (await (await fetch(s.server.base + '/policies/shop/privacy' + path, { headers: { Accept: 'application/json' } })).json());
/** The day after tomorrow where the site is, UTC. */
const later = () => new Date(Date.now() + 48 * 3600e3).toISOString().slice(0, 10);

test('a policy is drafted, compared and published; who consented before is told, and who is new reads the new text', async () => {
  const visitor = await s.visitor();
  const shop = await s.open('/?region=DE', visitor);
  await press(shop, 'accept');
  await s.receipt(shop);
  const before = await inForce();

  const page = await open(policies);
  await draft(page, (was) => was.replace('seven years', 'five years') + '\n## Newsletters\n\nOnly who asked for them gets them.\n');
  // Beside the text, while it is typed: what visitors will read, and the words that differ.
  const look = page.locator('[data-look="0"]');
  await look.locator('.policy h2', { hasText: 'Newsletters' }).waitFor();
  assert.deepEqual(await look.locator('del').allTextContents(), ['seven']);
  assert.ok((await look.locator('ins').allTextContents()).includes('five'));
  // And it is kept without a press.
  await wait(async () => (await page.locator('#kept').textContent()).startsWith('Kept at'), 'the draft to be kept');

  await announce(page, { summary: 'We keep orders for five years instead of seven.', grace: 14 });
  const note = page.frameLocator('iframe').locator('volenti-note');
  await note.getByText('We keep orders for five years instead of seven.').waitFor();
  // Who is told, and who is asked again, in numbers.
  assert.match(await page.locator('main').textContent(), /Who is told1 visitor whose choice is still valid, on their next visit from now on/);
  assert.match(await page.locator('main').textContent(), /Who is asked againNobody, by this/);
  assert.equal((await inForce()).number, before.number, 'nothing is published by looking');
  await publish(page);

  const after = await inForce();
  assert.equal(after.number, before.number + 1);
  assert.match(after.text, /five years/);
  assert.match((await inForce(`/versions/${before.number}`)).text, /seven years/);

  // Who consented before: his choices stand, a note tells him. It comes within the second that is rounded up.
  await wait(async () => {
    await shop.goto(s.origin + '/?region=DE&again=' + Date.now());
    await control(shop, 'ok').waitFor({ timeout: 3000 }).catch(() => {});
    return shop.locator('volenti-note').getByText('five years instead of seven').isVisible();
  }, 'the note');
  assert.equal(await shop.locator('volenti-banner').count(), 0, 'he is not asked again');
  // Who is new: is asked, and told nothing of a change.
  const fresh = await s.open('/?region=DE');
  await control(fresh, 'reject').waitFor();
  assert.equal(await fresh.locator('volenti-note').count(), 0);
  const link = await fresh.locator('volenti-banner a').first().getAttribute('href');
  assert.match(await (await fetch(s.server.base + new URL(link).pathname)).text(), /five years/);
});

test('a version is scheduled: the day is shown, the text in force stays, and nothing takes it back', async () => {
  const page = await open(policies);
  const before = await inForce();
  await draft(page, (was) => was + '\n## Scheduled\n\nThis comes later.\n');
  const day = later();
  await announce(page, { day });
  await page.getByText('can only be followed by another version').waitFor();
  await publish(page);
  assert.equal((await inForce()).number, before.number);
  const ahead = await inForce(`/versions/${before.number + 1}`);
  assert.equal(new Date(ahead.effective).toISOString(), day + 'T00:00:00.000Z');
  await page.getByText('Scheduled', { exact: true }).first().waitFor();
  assert.equal(await page.getByRole('button', { name: /take back|unpublish|delete/i }).count(), 0);

  // The next one can't bind before it.
  await draft(page, (was) => was + '\n## Sooner\n\nThis would come sooner.\n');
  await announce(page);
  await page.getByLabel(/I have read/).check();
  await page.getByRole('button', { name: /^Publish version/ }).click();
  await page.getByRole('alert').getByText('A version with a later day is published already').waitFor();
  assert.equal((await inForce()).number, before.number);
});

test('a day that has passed, a grace of words and a missing summary are asked for at their fields', async () => {
  const page = await open(policies);
  await draft(page, (was) => was + '\nAnd one more.\n');
  await button(page, 'Keep, and go on to publish').click();
  await page.getByLabel('It is a material change').check();
  await page.getByLabel('Grace, in days').fill('a fortnight');
  await page.getByLabel('from the beginning of a day').check();
  await page.locator('#field-day').fill('2020-02-29');
  await button(page, 'Keep, and look it over').click();
  assert.equal(await page.evaluate(() => document.activeElement.className), 'wrong', 'what is wrong is read first');
  for (const [label, say] of [['Day (optional)', /Choose .* or later/], ['Grace, in days', /number of days/], ['In English (en)', /Say in English/]]) {
    const field = page.getByRole('textbox', { name: label });
    assert.equal(await field.getAttribute('aria-invalid'), 'true', label);
    const described = (await field.getAttribute('aria-describedby')).split(' ').at(-1);
    assert.match(await page.locator('#' + described).textContent(), say);
  }
  assert.equal(await page.getByLabel('Grace, in days').inputValue(), 'a fortnight', 'what was typed is there');
});

test('two people write in one draft: neither loses a word', async () => {
  const one = await open(policies);
  await draft(one, (was) => was + '\nA beginning of two.\n');
  await button(one, 'Keep').click();
  const two = await open(new URL(one.url()).pathname);
  await text(one).fill((await text(one).inputValue()) + '\nWords of the first.\n');
  await button(one, 'Keep').click();
  await one.getByRole('status').filter({ hasText: 'The draft is kept.' }).waitFor();
  await text(two).fill((await text(two).inputValue()) + '\nWords of the second.\n');
  await button(two, 'Keep').click();
  await two.getByRole('heading', { name: 'Two versions of this draft' }).waitFor();
  assert.match(await text(two).inputValue(), /Words of the second/);
  await two.getByText('Their words, to copy from').click();
  assert.match(await two.getByLabel('Their words in English (en)').inputValue(), /Words of the first/);
  assert.ok((await two.locator('.theirs ins').allTextContents()).join('').includes('second'));
  assert.deepEqual(await findings(two), []);
  // Typing on keeps nothing by itself: both have to be looked at.
  await text(two).fill((await text(two).inputValue()) + '\nWords of the first.\n');
  await button(two, 'Keep').click();
  await two.getByRole('status').filter({ hasText: 'The draft is kept.' }).waitFor();
  const kept = await text(two).inputValue();
  assert.ok(kept.includes('Words of the first') && kept.includes('Words of the second'));
});

test('a translation is added, written from right to left, and removed', async () => {
  const page = await open(policies);
  await draft(page, (was) => was);
  await page.getByText('Add a translation').click();
  await page.locator('#field-add').fill('ar');
  await button(page, 'Add it').click();
  const arabic = text(page, 'Arabic (ar)');
  assert.equal(await arabic.getAttribute('dir'), 'rtl');
  await arabic.fill('# سياسة الخصوصية\n\nنحتفظ بالطلبات خمس سنوات.\n');
  await page.locator('[data-look="1"] .policy', { hasText: 'خمس سنوات' }).waitFor();
  assert.deepEqual(await findings(page), []);
  await button(page, 'Keep').click();
  await page.getByRole('status').filter({ hasText: 'The draft is kept.' }).waitFor();
  await page.getByText('Remove this translation').click();
  await button(page, 'Remove Arabic (ar)').click();
  await page.getByRole('status').filter({ hasText: 'was removed' }).waitFor();
  assert.equal(await arabic.count(), 0);
});

test('a new policy begins with a document, and what reading it changed is listed', async () => {
  const page = await open('/admin/sites/shop/new-policy');
  await page.getByLabel('Key').fill('cookies');
  await page.getByLabel('a document of yours').check();
  const html = '<!doctype html><html><body><nav>Menu</nav><main><h1>Cookie policy</h1><p>We set <b>one</b>&nbsp;cookie.<script>alert(1)</script></p></main></body></html>';
  await page.getByLabel(/^Document/).setInputFiles({ name: 'cookies.html', mimeType: 'text/html', buffer: Buffer.from(html) });
  await button(page, 'Make the draft').click();
  await page.getByRole('heading', { name: /What reading/ }).waitFor();
  assert.ok((await page.locator('section.note li').count()) > 0);
  assert.match(await text(page).inputValue(), /# Cookie policy[^]*one/);
  assert.doesNotMatch(await text(page).inputValue(), /alert|Menu/);
  assert.deepEqual(await findings(page), []);
});

test('leaving words that are not kept is asked about; what is kept is not', async () => {
  const page = await open(policies);
  await draft(page, (was) => was);
  let asked = 0;
  page.on('dialog', (dialog) => ((asked += 1), dialog.accept()));
  await page.route('**/autosave', (route) => route.abort());
  await text(page).pressSequentially('x');
  await page.getByText('Not kept').waitFor();
  await page.goto(s.server.base + policies);
  assert.equal(asked, 1);
  await draft(page, (was) => was);
  await button(page, 'Keep').click();
  await page.goto(s.server.base + policies);
  assert.equal(asked, 1);
});

test('all of it by keyboard', async () => {
  const page = await open(policies + '/privacy');
  await reach(page, 'button', /Draft the next version/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/drafts\//);
  await reach(page, 'textarea');
  await page.keyboard.press('Control+End');
  await page.keyboard.type('\n\nTyped without a mouse.\n');
  await reach(page, 'button', /go on to publish/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/announce$/);
  await reach(page, 'input[name=when]');
  await page.keyboard.press('ArrowDown');
  await reach(page, 'button', /look it over/);
  await page.keyboard.press('Enter');
  // From a day, and none said: the mistake is read, and leads to its field.
  await page.locator('.wrong a').waitFor();
  await reach(page, '.wrong a');
  await page.keyboard.press('Enter');
  await wait(() => page.evaluate(() => document.activeElement.id === 'field-day'), 'the field to have the focus');
});

test('all of it without JavaScript', async () => {
  const who = await owner.without();
  const page = await open(policies + '/privacy', who);
  await button(page, 'Draft the next version').click();
  await text(page).fill((await text(page).inputValue()).replace('Shop Inc. runs', 'Shop Inc. still runs'));
  await button(page, 'Preview and compare').click();
  assert.ok((await page.locator('[data-look="0"] ins').allTextContents()).join('').includes('still'));
  assert.match(await text(page).inputValue(), /still runs/);
  await announce(page, { summary: 'We still run it.', day: new Date(Date.now() + 96 * 3600e3).toISOString().slice(0, 10) });
  assert.match(await page.locator('iframe').getAttribute('src'), /admin\/preview\//);
  const was = (await inForce('/versions')).versions[0].number;
  await publish(page);
  assert.equal((await inForce('/versions')).versions[0].number, was + 1);
});

test('with a second pair of eyes, another operator approves or sends back', async () => {
  const pair = async (on) => {
    const page = await open('/admin/sites/shop/settings');
    await page.getByLabel('A second pair of eyes').setChecked(on);
    await button(page, 'Keep these settings').click();
    await page.waitForURL((url) => !url.pathname.endsWith('/settings'));
  };
  await pair(true);
  try {
    const other = await invite(s, owner, { name: 'Berta', role: 'legal' });
    const page = await open(policies);
    await draft(page, (was) => was + '\n## Two of us\n\nRead by two people.\n');
    await announce(page, { day: new Date(Date.now() + 144 * 3600e3).toISOString().slice(0, 10) });
    assert.equal(await page.getByRole('button', { name: /(publish|schedule) version/i }).count(), 0);
    await button(page, 'Submit for approval').click();
    await page.getByText('Waits for approval').first().waitFor();

    // Whoever submitted it can't approve it.
    await waiting(page).click();
    await page.goto(page.url() + '/confirm');
    await page.getByText('another operator has to approve it').waitFor();
    assert.equal(await page.getByRole('button', { name: /approve and/i }).count(), 0);

    const theirs = await open(new URL(page.url()).pathname, other);
    await theirs.getByText('Send it back instead').click();
    await theirs.getByLabel('What is to be changed').fill('Say who the two are.');
    await theirs.getByRole('button', { name: /^Send it back to/ }).click();

    await page.goto(page.url().replace('/confirm', ''));
    await page.getByText('Say who the two are.').waitFor();
    await text(page).fill((await text(page).inputValue()).replace('two people', 'Anna and Berta'));
    await announce(page, {});
    await button(page, 'Submit for approval').click();
    await theirs.goto(page.url());
    await waiting(theirs).click();
    await theirs.getByRole('link', { name: 'Approve it or send it back' }).click();
    await theirs.getByLabel(/I have read/).check();
    await theirs.getByRole('button', { name: /^Approve and schedule version/ }).click();
    await theirs.getByText('approved by Berta').first().waitFor();
  } finally {
    await pair(false);
  }
});

/** The draft that waits for approval, in the list. */
const waiting = (page) => page.getByRole('listitem').filter({ hasText: 'Waits for approval' }).getByRole('link');

const pages = {
  'the list': policies,
  'one policy': policies + '/privacy',
  'a new policy': '/admin/sites/shop/new-policy',
  'the editor': async (page) => draft(page, (was) => was.replace('Shop', 'The shop') + '\n| a | b |\n| - | - |\n| 1 | 2 |\n'),
  'the announcement': async (page) => {
    await draft(page, (was) => was + '\nMore.\n');
    await button(page, 'Keep, and go on to publish').click();
  },
  'the last look': async (page) => {
    await draft(page, (was) => was + '\nMore.\n');
    await announce(page, { summary: 'More.' });
  },
};
for (const [name, where] of Object.entries(pages))
  test(`${name}: WCAG by machine, on a telephone and from right to left, light and dark`, async () => {
    const page = await open(policies);
    if (typeof where === 'string') await page.goto(s.server.base + where);
    else await where(page);
    await page.locator('h1').waitFor();
    await fits(page);
    assert.deepEqual(page.broken, [], 'nothing was blocked by our own policy, and nothing threw');
  });
