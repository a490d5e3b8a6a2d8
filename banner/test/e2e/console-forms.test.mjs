// Every part of a banner by its form: tags, storage, purposes, rules by region, trials, Google, blocking, domains and
// age; what is wrong is said while one types, and what people wrote into the file stays.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fits } from './axe.mjs';
import { enter, tabTo } from './console.mjs';
import { wait, world } from './world.mjs';

const s = world();
const banner = '/admin/sites/shop/notice';
let owner;
beforeEach(async () => {
  owner ??= await enter(s);
});
const button = (page, name) => page.getByRole('button', { name, exact: true });
const kept = (page) => page.getByRole('status').filter({ hasText: 'is kept' }).waitFor();
const keep = async (page) => {
  await button(page, 'Keep').click();
  await kept(page);
};
const begin = async (page) => {
  await page.goto(s.server.base + banner);
  await (await button(page, 'Change the banner').count() ? button(page, 'Change the banner').click() : page.getByRole('link', { name: 'Go on with the draft' }).click());
  await page.getByLabel('Colour of the buttons').waitFor();
};
/** A draft of what is in force, with nothing of another test's. */
const anew = async (page) => {
  await page.goto(s.server.base + banner);
  if (await page.getByText('Delete this draft').count()) {
    await page.getByText('Delete this draft').click();
    await button(page, 'Delete the draft').click();
    await page.getByRole('status').filter({ hasText: 'was deleted' }).waitFor();
  }
  await begin(page);
};
const part = (page, name) => page.goto(`${s.server.base}${banner}/draft/${name}`);
const source = async (page) => {
  await part(page, 'source');
  return page.locator('#field-source').inputValue();
};
/** The field of a path, its row opened. */
const field = async (page, path) => {
  const at = page.locator(`[id="field-${path}"]`);
  await at.evaluate((el) => el.closest('details')?.setAttribute('open', ''));
  return at;
};
const add = async (page, value) => {
  const at = page.locator('#field-add');
  await ((await at.evaluate((el) => el.localName)) === 'select' ? at.selectOption(value) : at.fill(value));
  await button(page, 'Add it').click();
  await kept(page);
};

for (const scripts of [true, false])
  test(`all that a notice file can say is said in forms, ${scripts ? 'with' : 'without'} JavaScript`, async () => {
    const who = scripts ? owner : await owner.without();
    const page = await who.open(banner);
    await anew(page);
    // What somebody wrote into the file is there after every form.
    await part(page, 'source');
    const text = await page.locator('#field-source').inputValue();
    await page.locator('#field-source').fill('# Ask legal first.\n' + text.replace('[[vendor]]\nkey = "ga4"', '# Since March.\n[[vendor]]\nkey = "ga4"'));
    await keep(page);

    await part(page, 'tags');
    await add(page, ''); // an address of its own
    await (await field(page, 'tags[0].vendor')).selectOption('chain');
    await (await field(page, 'tags[0].kind')).selectOption('pixel');
    await (await field(page, 'tags[0].src')).fill('https://cdn.shop.test/p.gif');
    await keep(page);
    await add(page, 'GA4');
    await (await field(page, 'tags[1].id')).fill('nonsense');
    await keep(page);
    assert.equal(await (await field(page, 'tags[1].id')).getAttribute('aria-invalid'), 'true');
    await field(page, 'tags[1].id');
    await page.getByRole('button', { name: /^Move up/ }).click();
    await kept(page);
    assert.equal(await (await field(page, 'tags[1].src')).inputValue(), 'https://cdn.shop.test/p.gif');
    await field(page, 'tags[0].id');
    await page.getByRole('button', { name: /^Remove/ }).first().click();
    await kept(page);

    await part(page, 'vendors');
    await (await field(page, 'vendors[1].stores[2].name')).fill('_ga_seen');
    await (await field(page, 'vendors[1].stores[2].kind')).selectOption('local');
    await (await field(page, 'vendors[1].stores[2].duration')).fill('persistent');
    for (const language of ['en', 'de']) await (await field(page, `vendors[1].stores[2].purpose.${language}`)).fill('Tells visitors apart.');
    await (await field(page, 'vendors[2].key')).fill('orders'); // its tag follows
    await keep(page);

    await part(page, 'categories');
    await add(page, 'maps');
    await (await field(page, 'categories[4].like')).selectOption('preferences');
    for (const language of ['en', 'de']) {
      await (await field(page, `categories[4].label.${language}`)).fill('Maps');
      await (await field(page, `categories[4].about.${language}`)).fill('Shows where our shops are.');
    }
    await keep(page);

    await part(page, 'regions');
    await add(page, 'CA');
    await (await field(page, 'overrides[0].model')).selectOption('opt-in');
    await keep(page);

    await part(page, 'general');
    await page.getByLabel('How long Google').fill('900');
    await page.getByLabel('Take identifiers out').check();
    await page.getByLabel('Hosts that nobody knows').selectOption('allow');
    await page.getByLabel('Never held').fill('cdn.shop.test');
    await page.getByLabel('Age that is asked for').fill('16');
    await page.getByLabel('A decision counts on all these websites').check();
    await keep(page);

    await part(page, 'trials');
    await add(page, 'shorter');
    await (await field(page, 'trials[0].percent')).fill('25');
    await (await field(page, 'trials[0].look.radius')).fill('2');
    await (await field(page, 'trials[0].wording.en.title')).fill('Cookies?');
    await keep(page);
    assert.equal(await page.locator('#lint .bad').count(), 0, await page.locator('#lint').textContent());

    const file = await source(page);
    for (const said of ['# Ask legal first.', '# Since March.\n[[vendor]]\nkey = "ga4"', 'vendor = "orders"', 'kind = "pixel"', 'src = "https://cdn.shop.test/p.gif"', 'name = "_ga_seen"', 'key = "maps"\nlike = "preferences"',
      'region = "CA"\nmodel = "opt-in"', 'wait_for_update = 900', 'ads_data_redaction = true', 'unknown = "allow"', 'allow = ["cdn.shop.test"]', 'minimum = 16', 'domains = true', 'key = "shorter"\npercent = 25', '[trial.look]\nradius = 2', 'title = "Cookies?"'])
      assert.ok(file.includes(said), `${said} is not in\n${file}`);
    assert.doesNotMatch(file, /template = /);
    assert.deepEqual(page.broken, []);
  });

test('what is wrong is said while one types, at the field, and what is overtaken is not shown', async () => {
  const page = await owner.open(banner);
  await anew(page);
  const before = await source(page);
  await part(page, 'look');
  const logo = page.getByLabel('Logo');
  // The first answer is held until the second is there: it must not be shown after it.
  let held;
  let asked = 0;
  await page.route('**/draft/look/look', async (route) => {
    if (asked++ > 0 || held) return route.continue();
    held = route;
  });
  await logo.pressSequentially('http://plain.example/a.svg');
  await wait(() => held, 'a first question');
  await logo.fill('https://shop.test/a b.svg');
  await page.getByText('characters that an address can’t have').or(page.getByText("characters that an address can't have")).first().waitFor();
  await wait(() => held.request().failure(), 'the overtaken question to be given up');
  await held.continue().catch(() => {});
  await wait(async () => (await logo.getAttribute('aria-invalid')) === 'true', 'the field to be marked');
  const mend = page.locator('[id="wrong-look.logo"]');
  assert.match(await mend.textContent(), /characters/);
  assert.match(await logo.getAttribute('aria-describedby'), /wrong-look\.logo/);
  assert.equal(await page.locator('#lint').getAttribute('aria-live'), 'polite');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'field-look.logo', 'the focus moved');
  assert.equal(await logo.inputValue(), 'https://shop.test/a b.svg', 'what was typed changed');
  await logo.fill('');
  await wait(async () => !(await mend.count()) && !(await logo.getAttribute('aria-invalid')), 'the mark to go');
  // When nobody types, the banner that would come of it is made and judged.
  await page.locator('#lint').getByText('no is as easy as yes').waitFor();
  assert.equal(await source(page), before, 'typing alone changed the draft');

  await part(page, 'wording?language=en');
  await page.getByLabel('accept', { exact: true }).fill('Accept!');
  await page.locator('#lint .issues').getByText('gives the button a weight of its own').waitFor();
  assert.deepEqual(page.broken, []);
});

test('a tag is added and kept by keyboard alone', async () => {
  const page = await owner.open(banner);
  await anew(page);
  await part(page, 'regions');
  await tabTo(page, page.locator('#field-add'));
  await page.keyboard.type('BR');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await kept(page);
  const row = page.locator('details.row summary').first();
  await tabTo(page, row);
  await page.keyboard.press('Enter');
  await tabTo(page, page.locator('[id="field-overrides[0].region"]'));
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('MX');
  await page.keyboard.press('Enter'); // as in any form: it is kept
  await kept(page);
  assert.match(await source(page), /region = "MX"/);
});

for (const at of ['categories', 'tags', 'regions', 'trials', 'vendors', 'general'])
  test(`the form of ${at}: WCAG by machine, on a telephone and from right to left, light and dark`, async () => {
    const page = await owner.open(banner);
    await begin(page);
    await part(page, at);
    if (['tags', 'regions', 'trials'].includes(at)) await add(page, { tags: 'GA4', regions: 'CA', trials: 'blue' }[at]);
    for (const details of await page.locator('main details').all()) await details.evaluate((el) => (el.open = true));
    await fits(page);
    assert.deepEqual(page.broken, []);
  });
