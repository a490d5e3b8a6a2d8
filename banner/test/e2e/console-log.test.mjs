// The transparency log in the console: what operators see of it, what they can take away, and hold against it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press } from '../browser/harness.mjs';
import { findings, tooWide } from './axe.mjs';
import { enter, tabTo } from './console.mjs';
import { wait, world } from './world.mjs';

const s = world();
const shots = process.env.SHOTS; // a folder: pictures of every page, for people
const log = '/admin/log/entries';
let owner;
const open = async (path) => (owner ??= await enter(s)).open(path);

/** Without findings of axe in both schemes, no wider than a phone also when all is opened, within its own policy. */
const sound = async (page, name) => {
  const picture = async (how) => shots && (await page.screenshot({ path: `${shots}/log-${name.replace(/\W+/g, '-')}-${how}.png`, fullPage: true }));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await findings(page), [], `${name}, ${colorScheme}`);
    await picture(colorScheme);
  }
  for (const summary of await page.locator('main summary').all()) await summary.click();
  assert.deepEqual(await findings(page), [], `${name}, opened`);
  await page.setViewportSize({ width: 320, height: 640 });
  assert.deepEqual(await page.evaluate(tooWide), [], `${name} at 320 px`);
  await picture('phone');
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  assert.deepEqual(await page.evaluate(tooWide), [], `${name} from right to left`);
  assert.deepEqual(page.broken, [], name);
};

/** What a link downloads, as text. */
const download = async (page, link) => {
  const [file] = await Promise.all([page.waitForEvent('download'), link.click()]);
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

test('a decision enters the log, is signed for, and its proof can be taken away', async () => {
  const visitor = await s.open('/?region=DE');
  await press(visitor, 'reject');
  await s.receipt(visitor);
  const id = await visitor.evaluate(() => window.volenti.state.receipt);
  const page = await open(log);
  const row = page.locator('tbody tr', { hasText: id });
  await wait(async () => {
    await page.reload();
    return (await row.count()) && (await page.getByText('Newest checkpoint').count());
  }, 'the decision in the log, and a checkpoint');
  await sound(page, 'entries');

  const entry = await open(log);
  await entry.locator('tbody tr', { hasText: id }).locator('a').first().click();
  await wait(async () => {
    await entry.reload();
    return entry.getByText('Verified just now').count();
  }, 'a checkpoint that covers the decision');
  const proof = await download(entry, entry.getByRole('link', { name: 'Download the proof' }));
  assert.match(proof, /^c2sp\.org\/tlog-proof@v1\nindex \d+\n/);
  await entry.getByText('As it was entered').click();
  assert.equal(JSON.parse(await entry.locator('pre').textContent()).id, id);
  await sound(entry, 'leaf');
});

test('a checkpoint that somebody kept is checked by its file, by keyboard and without script', async () => {
  const page = await open(log);
  const kept = await download(page, page.getByRole('link', { name: 'Download the checkpoint' }));
  assert.match(kept, /^\S+\n\d+\n\S{44}\n\n— /);

  const check = await open(log + '/check');
  await sound(check, 'check');
  const again = await open(log + '/check');
  await again.getByLabel('File with the checkpoint').setInputFiles({ name: 'kept.txt', mimeType: 'text/plain', buffer: Buffer.from(kept) });
  await tabTo(again, again.getByRole('button', { name: 'Check it' }));
  await again.keyboard.press('Enter');
  await again.getByText('It holds.').waitFor();
  await sound(again, 'it holds');

  const plain = await (await owner.without()).open(log + '/check');
  await plain.getByLabel('or paste it').fill(kept.replace(/\n\d+\n/, '\n1\n'));
  await plain.getByRole('button', { name: 'Check it' }).click();
  await plain.getByText('never signed it').first().waitFor();
  await plain.getByLabel('or paste it').fill(kept);
  await plain.getByRole('button', { name: 'Check it' }).click();
  await plain.getByText('It holds.').waitFor();
});

test('what is shown can be narrowed, teaches where there is nothing, and leads on to the site', async () => {
  const page = await open(log);
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'erasure' });
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByRole('heading', { name: 'Nothing fits' }).waitFor();
  await sound(page, 'nothing fits');
  const site = await open('/admin/sites/shop');
  await site.locator('nav.menu').getByRole('link', { name: 'Log' }).first().click();
  await site.getByRole('link', { name: 'Transparency log' }).click();
  await site.getByRole('heading', { name: 'What entered it' }).waitFor();
  assert.equal(await site.getByRole('columnheader', { name: 'Site' }).count(), 0);
  await sound(site, 'of a site');
});
