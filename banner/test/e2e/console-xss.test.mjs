// Hundreds of texts that would run, in every field of policies and banners: none does, in the console, in the archive, in a
// preview, in the banner. The policy that every page is sent with is the second wall: it had nothing to hold back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enter } from './console.mjs';
import { payloads } from './payloads.mjs';
import { wait, world } from './world.mjs';

const s = world();
const ran = new Set();
const blocked = new Set();
let owner;

/** Reports what runs, and what a page's policy held back, in every frame. */
const watched = async () => {
  if (owner) return owner;
  owner = await enter(s);
  await owner.context.exposeBinding('reportRun', ({ frame }, what) => ran.add(`${what} in ${frame.url()}`));
  await owner.context.exposeBinding('reportBlocked', ({ frame }, what) => blocked.add(`${what} in ${frame.url()}`));
  await owner.context.addInitScript(() => {
    globalThis.sentinel = (n) => reportRun(n);
    globalThis.alert = (n) => reportRun('alert ' + n);
    document.addEventListener('securitypolicyviolation', (e) => reportBlocked(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  owner.context.on('page', (page) => page.on('dialog', (dialog) => (ran.add('dialog ' + dialog.message()), dialog.dismiss())));
  return owner;
};
/** What a reader does that may make something run: the focus goes everywhere, the pointer over it all, everything opens. */
const provoke = (page) =>
  page.evaluate(async () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
    for (const el of document.querySelectorAll('main *')) {
      for (const type of ['mouseover', 'pointerenter', 'focus', 'toggle', 'animationstart', 'error', 'load', 'scrollend']) el.dispatchEvent(new Event(type));
    }
    const odd = [...document.querySelectorAll('[href], [src], [action], [formaction]')]
      .map((el) => el.getAttribute('href') ?? el.getAttribute('src') ?? el.getAttribute('action') ?? el.getAttribute('formaction'))
      .filter((at) => /^\s*(?!https?:|mailto:)[a-z][a-z+.-]*:/i.test(new URL(at, document.baseURI).href));
    const handlers = [...document.querySelectorAll('main *')].filter((el) => [...el.attributes].some(({ name }) => name.startsWith('on')));
    await new Promise((done) => setTimeout(done, 50));
    return [...odd, ...handlers.map((el) => el.outerHTML.slice(0, 100))];
  });
const sound = async (page, where) => {
  assert.deepEqual(await provoke(page), [], where);
  assert.deepEqual([[...ran], [...blocked]], [[], []], where);
};
const visit = async (page, path) => {
  const answer = await page.goto(s.server.base + path);
  assert.ok(answer.status() < 500, `${path}: ${answer.status()}`);
  await page.locator('h1').first().waitFor();
  await sound(page, path);
};
const policies = '/admin/sites/shop/policies';
const some = (n) => payloads.filter((_, i) => i % n === 0);
const button = (page, name) => page.getByRole('button', { name, exact: true });

test('the sentinel is heard, and so is what a policy holds back', async () => {
  assert.ok(payloads.length >= 500 && new Set(payloads).size === payloads.length, `${payloads.length} payloads`);
  const { open } = await watched();
  const page = await open(policies);
  await page.evaluate(() => sentinel('heard'));
  // A handler in an attribute is what our policy holds back.
  await page.evaluate(() => {
    const img = document.createElement('img');
    img.setAttribute('onerror', 'sentinel(0)');
    img.src = 'data:,x';
    document.querySelector('main').append(img);
  });
  await wait(() => ran.size === 1 && blocked.size > 0, 'both to be reported');
  ran.clear();
  blocked.clear();
  await page.close();
});

/** Publishes what the editor shows, under a title of its own. */
const publish = async (page, { material }) => {
  await button(page, 'Keep, and go on to publish').click();
  if (material) {
    await page.getByLabel('It is a material change').check();
    await page.locator('#field-summary-0').fill(material);
  }
  await sound(page, 'announce');
  await button(page, 'Keep, and look it over').click();
  await page.getByLabel(/I have read/).waitFor();
  await sound(page, 'confirm');
  await page.getByLabel(/I have read/).check();
  await page.getByRole('button', { name: /^Publish version/ }).click();
  await page.getByRole('status').filter({ hasText: /^Version/ }).waitFor();
};

test('in policies of every format: editor, difference, last look, archive', async () => {
  const { open } = await watched();
  const page = await open('/admin/sites/shop/new-policy');
  const files = {
    md: '# Title\n\n' + payloads.join('\n\n'),
    html: '<!doctype html><html><body><main><h1>Title</h1>' + payloads.map((p) => `<p>${p}</p>`).join('\n') + '</main></body></html>',
    txt: 'Title\n\n' + payloads.join('\n\n'),
  };
  const refused = [];
  for (const [kind, text] of Object.entries(files)) {
    // In parts, since one that can't be read as a policy at all is refused with the whole document.
    const size = kind === 'html' ? 40 : 260;
    const parts = Array.from({ length: Math.ceil(payloads.length / size) }, (_, i) => payloads.slice(i * size, (i + 1) * size));
    let all = '';
    for (const part of parts) {
      const whole = kind === 'html' ? files.html.slice(0, 46) + '<h1>Title</h1>' + part.map((p) => `<p>${p}</p>`).join('\n') + '</main></body></html>' : `Title\n\n${part.join('\n\n')}`;
      await page.goto(s.server.base + '/admin/sites/shop/new-policy');
      await page.getByLabel('Key').fill('try-' + kind);
      await page.getByLabel('a document of yours').check();
      await page.getByLabel(/^Document/).setInputFiles({ name: `<img src=x onerror=sentinel(0)>.${kind}`, mimeType: 'text/plain', buffer: Buffer.from(whole) });
      await button(page, 'Make the draft').click();
      await page.locator('h1').waitFor();
      await sound(page, `${kind} in the editor`);
      const field = page.locator('#field-text-0');
      if (await field.count()) all += (await field.inputValue()).replace(/^# Title\n/, '') + '\n\n';
      else refused.push(kind);
    }
    assert.ok(all.length > text.length / 4, `${kind}: most of it was read`);
    await page.goto(s.server.base + '/admin/sites/shop/new-policy');
    await page.getByLabel('Key').fill('try-' + kind);
    await page.getByLabel('nothing: an empty page').check();
    await button(page, 'Make the draft').click();
    await page.locator('#field-title-0').fill(payloads[13]);
    await page.locator('#field-text-0').fill('# Title\n\n' + all);
    await page.locator('[data-look="0"] .policy').waitFor();
    await sound(page, `${kind} while it is typed`);
    await publish(page, {});
    await page.goto(s.server.base + policies + '/try-' + kind);
    await button(page, 'Draft the next version').click();
    await page.locator('#field-text-0').fill('# Other\n\n' + some(3).join('\n\n'));
    await page.locator('[data-look="0"] ins').first().waitFor();
    await sound(page, `${kind} compared`);
    await publish(page, { material: some(40).join(' ').slice(0, 580) });
    for (const at of ['', '/versions', '/versions/1', '/versions/2', '/diff/1..2']) await visit(page, `/policies/shop/try-${kind}${at}`);
  }
  assert.ok(refused.length < 4, `${refused.length} documents were refused`);
  for (const at of [policies, policies + '/try-md', '/admin/log']) await visit(page, at);
});

test('in two versions of a draft, as a word of refusal, in names of fields that do not exist', async () => {
  const { open } = await watched();
  const one = await open(policies + '/privacy');
  await button(one, 'Draft the next version').click();
  await one.waitForURL(/drafts/);
  const two = await open(new URL(one.url()).pathname);
  await one.locator('#field-text-0').fill(some(4).join('\n\n'));
  await one.locator('#field-title-0').fill(payloads[0]);
  await button(one, 'Keep').click();
  await one.getByRole('status').filter({ hasText: 'is kept' }).waitFor();
  await two.locator('#field-text-0').fill(some(5).join('\n\n'));
  await button(two, 'Keep').click();
  await two.getByRole('heading', { name: 'Two versions of this draft' }).waitFor();
  await sound(two, 'two versions');
  for (const payload of some(25)) {
    const q = encodeURIComponent(payload);
    for (const at of [`/admin/sites/shop/new-policy?policy=${q}`, `/admin/sites/shop/notice/preview?regime=${q}&language=${q}&trial=${q}&width=${q}&scheme=${q}&of=${q}`])
      await visit(two, at);
  }
});

test('in every text of a banner: forms, issues, differences, preview, the banner itself', async () => {
  const { open } = await watched();
  const page = await open('/admin/sites/shop/notice');
  await page.getByRole('button', { name: 'Change the banner' }).click();
  await page.goto(s.server.base + '/admin/sites/shop/notice/draft/source');
  const source = await page.locator('#field-source').inputValue();
  const line = (text) => JSON.stringify(text.replace(/[\u0000-\u001f\u007f]+/g, ' ')); // of TOML, too
  let vendors = '';
  for (const [i, payload] of payloads.entries())
    if (i % 2 === 0) vendors += `\n[[vendor]]\nkey = "v${i}"\nname = ${line(payload)}\ncategory = "marketing"\npolicy_url = ${line(payloads[i + 1] ?? payload)}\n`;
    else vendors += `\n[[vendor.stores]]\nname = ${line(payload)}\nduration = ${line(payload)}\npurpose = { en = ${line(payload)}, de = ${line(payload)} }\n`;
  const keys = ['title', 'ask_opt_in', 'accept', 'reject', 'settings', 'policy', 'reopen', 'analytics', 'analytics_about', 'settings_title', 'settings_about', 'save', 'close', 'details', 'partners', 'stored', 'purpose', 'duration', 'responsible', 'always'];
  const wording = '\n[wording.en]\n' + keys.map((key, i) => `${key} = ${line(payloads.filter((_, j) => j % keys.length === i).slice(0, 12).join(' '))}\n`).join('');
  const written = source.replace(/name = "Shop Inc."/, `name = ${line(payloads[0])}`) + vendors + wording;
  await page.locator('#field-source').evaluate((el, written) => (el.value = written), written);
  await page.getByRole('button', { name: 'Keep' }).click();
  await page.getByRole('status').filter({ hasText: 'is kept' }).waitFor();
  for (const part of ['look', 'wording', 'categories', 'vendors', 'tags', 'general', 'regions', 'trials', 'source']) await visit(page, '/admin/sites/shop/notice/draft/' + part);
  for (const at of ['', '/publish']) await visit(page, '/admin/sites/shop/notice' + at);
  for (const regime of ['opt-in', 'opt-out', 'notice']) {
    await visit(page, `/admin/sites/shop/notice/preview?of=draft&regime=${regime}`);
    const frame = page.frameLocator('iframe');
    await frame.locator('volenti-banner').waitFor();
    await frame.locator('[data-volenti=settings]').first().dispatchEvent('click');
    await frame.locator('dialog[open]').waitFor();
    await frame.locator('dialog').evaluate((dialog) => {
      for (const details of dialog.querySelectorAll('details')) details.open = true;
      for (const el of dialog.querySelectorAll('*')) for (const type of ['mouseover', 'focus', 'error', 'load']) el.dispatchEvent(new Event(type));
    });
    assert.deepEqual(await frame.locator('a[href^="javascript:" i], a[href^="data:" i], a[href^="vbscript:" i]').count(), 0);
    await sound(page, 'preview ' + regime);
  }
});

test('in what people ask for, in what operators answer, in names of sites, operators and webhooks', async () => {
  const { open } = await watched();
  const page = await open('/admin/sites/shop/requests/new');
  const texts = [];
  for (const payload of payloads) {
    if (texts.length && (texts.at(-1) + payload).length < 1500) texts.push(texts.pop() + '\n' + payload);
    else texts.push(payload);
  }
  await page.getByLabel('Where the person is').fill('DE');
  await page.getByLabel('What was asked').fill(texts[0]);
  await button(page, 'Enter it').click();
  await page.getByRole('heading', { name: 'Steps' }).waitFor();
  const request = new URL(page.url()).pathname;
  for (const text of texts.slice(1)) {
    await page.getByText('Write to the visitor', { exact: true }).click();
    await page.getByLabel('Message').fill(text);
    await button(page, 'Send').click();
    await page.getByRole('status').first().waitFor();
  }
  await sound(page, 'messages');
  assert.equal(await page.locator('.request-steps blockquote').count(), texts.length);
  await page.goto(s.server.base + request); // everything was opened
  await page.getByText(/^Take more time, once/).click();
  await page.locator('details[open] input[name=ground]').first().check();
  await page.getByLabel('More to say').fill(texts[1]);
  await button(page, 'Extend, and tell the visitor').click();
  await page.getByRole('status').first().waitFor();
  await page.getByText('Refuse', { exact: true }).click();
  await page.locator('details[open] input[name=ground]').first().check();
  await page.getByLabel('The reasons, to the visitor').fill(texts[2]);
  await button(page, 'Refuse, and tell the visitor').click();
  await page.getByRole('status').first().waitFor();
  for (const at of [request, '/admin/sites/shop/requests?state=all', '/admin/log', '/admin/log/entries']) await visit(page, at);

  // Names: what is refused is shown again, what is taken is shown elsewhere.
  const forms = {
    '/admin/sites/shop/request-settings': [(payload) => page.getByLabel('Address', { exact: true }).fill(payload), 'Add it'],
    '/admin/account': [(payload) => page.getByLabel('Name', { exact: true }).fill(payload)],
    '/admin/sites/shop/requests/new': [(payload) => page.getByLabel('Where the person is').fill(payload), 'Enter it'],
  };
  for (const [at, [fill, name]] of Object.entries(forms)) {
    for (const payload of some(60)) {
      await page.goto(s.server.base + at);
      await fill(payload);
      const pressed = name ? button(page, name) : page.locator('form:has([name=name]) button').first();
      await pressed.evaluate((el) => (el.form.noValidate = true));
      await pressed.click();
      await page.locator('h1').first().waitFor();
      await sound(page, at + ' with ' + payload);
    }
  }
  await visit(page, '/admin/operators');
  await visit(page, '/admin');
});
