// Evidence bundles: what a visitor was shown is what comes back years later, and whoever alters it is found, by the
// program and by the page in the bundle, which agree.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { press, ready } from '../browser/harness.mjs';
import { findings, tooWide } from './axe.mjs';
import { drivers } from './drivers.mjs';
import { policy } from './notice.mjs';
import { patience, wait, world } from './world.mjs';

const s = world();

/** The bundle of a receipt, as the command writes it: its path. */
const bundle = (id, name = 'evidence') => {
  const path = s.server.file(`${name}.zip`, '');
  s.server.volenti('receipt', 'bundle', id, '--site', 'shop', '--out', path);
  return path;
};

/** The files of a zip that this program wrote: plain, without streams and comments. */
const unzip = (zip) => {
  const files = new Map();
  const end = zip.length - 22;
  for (let at = zip.readUInt32LE(end + 16), n = zip.readUInt16LE(end + 10); n--; ) {
    const [size, length, from] = [zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28), zip.readUInt32LE(at + 42)];
    const name = zip.toString('latin1', at + 46, at + 46 + length);
    files.set(name, inflateRawSync(zip.subarray(from + 30 + length, from + 30 + length + size)));
    at += 46 + length;
  }
  return files;
};

const crc32 = (bytes) => {
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1));
  }
  return ~c >>> 0;
};

/** A zip of files, packed by somebody else than the program. */
const zip = (files) => {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, content] of files) {
    const data = deflateRawSync(content);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50);
    head.writeUInt16LE(20, 4);
    head.writeUInt16LE(8, 8);
    head.writeUInt32LE(crc32(content), 14);
    head.writeUInt32LE(data.length, 18);
    head.writeUInt32LE(content.length, 22);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50);
    head.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(at, 42);
    parts.push(head, Buffer.from(name), data);
    directory.push(entry, Buffer.from(name));
    at += head.length + name.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(files.size, 8);
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
};

/** Unpacks a bundle into a folder; its path. */
const unpack = (path) => {
  const folder = path.replace(/\.zip$/, '');
  rmSync(folder, { recursive: true, force: true });
  for (const [name, content] of unzip(readFileSync(path))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
};

/** What a part of a page says, shadow roots included, white space aside. */
const says = (frame, selector) =>
  frame.evaluate((selector) => {
    const words = (node) =>
      node.nodeType === 3 ? node.data : node.localName === 'style' || node.localName === 'script' ? '' : [...(node.shadowRoot ? [node.shadowRoot] : []), ...(node.assignedNodes ? [] : []), ...node.childNodes].map(words).join(' ');
    return [...document.querySelectorAll(selector)].map((el) => words(el).replace(/\s+/g, ' ').trim()).filter(Boolean).join(' | ');
  }, selector);

/** A page of disk, in a browser that has no network; `asked` is what it asked for all the same. */
const offline = async (file, options = {}) => {
  const context = await s.visitor({ ...options, offline: true });
  const page = await context.newPage();
  page.asked = [];
  page.thrown = [];
  page.on('request', (request) => /^(blob|data):/.test(request.url()) || page.asked.push(request.url()));
  page.on('pageerror', (e) => page.thrown.push(e.message));
  await page.goto(pathToFileURL(file).href);
  return page;
};
const framed = async (page, selector) => {
  await wait(async () => page.frames()[1] && (await says(page.frames()[1], selector).catch(() => '')), selector);
  return page.frames()[1];
};

/** What the page says of a bundle: 'holds', or what fails. */
const judged = async (page, path) => {
  await page.locator('#result').evaluate((el) => delete el.dataset.state);
  await page.locator('#file').setInputFiles([]);
  await page.locator('#file').setInputFiles(path);
  await page.locator('#result[data-state=holds], #result[data-state=fails], #result[data-state=unable]').waitFor();
  return page.locator('#result').evaluate((el) => (el.dataset.state === 'holds' ? 'holds' : [...el.querySelectorAll('.fails small')].map((small) => small.textContent).join('; ') || el.dataset.state));
};
/** What the program says: its exit code, and what fails. */
const checked = (path, ...more) => {
  const { status, stdout } = spawnSync(s.server.binary, ['receipt', 'verify', path, ...more], { encoding: 'utf8' });
  return { status, failed: [...stdout.matchAll(/^FAILED {2}(\S.{14,}?) {1,}/gm)].map((m) => m[1].trim()), stdout };
};

const visits = [
  ['German, opt-in', '/?region=DE&lang=de', {}],
  ['English, opt-out, with a signal', '/?region=US-CA', { extraHTTPHeaders: { 'Sec-GPC': '1' } }],
  ['English, on a phone', '/?region=FR', { viewport: { width: 360, height: 640 } }],
];
for (const [name, path, options] of visits)
  test(`the replay says what the page said, and asks nobody: ${name}`, async () => {
    const page = await s.open(path, await s.visitor(options));
    await ready(page);
    const first = await says(page, 'volenti-banner');
    await page.locator('[data-volenti=settings]').first().click();
    await page.locator('volenti-banner[data-volenti=dialog]').waitFor();
    const second = await says(page, 'volenti-banner[data-volenti=dialog]');
    await page.locator('volenti-banner[data-volenti=dialog] [data-volenti=reject]').click();
    const { id } = await s.receipt(page);
    const folder = unpack(bundle(id));

    const served = await (await fetch(s.server.base + '/b/shop/' + JSON.parse(readFileSync(join(folder, 'shown/experience.json'))).script + '.js')).arrayBuffer();
    assert.ok(Buffer.from(served).equals(readFileSync(join(folder, 'shown/script.js'))), 'the bytes that were served');

    const replay = await offline(join(folder, 'replay/index.html'), options.viewport ? { viewport: options.viewport } : {});
    assert.equal(await says(await framed(replay, 'volenti-banner'), 'volenti-banner'), first);
    await replay.getByLabel('second layer').check();
    const shown = await framed(replay, 'volenti-banner[data-volenti=dialog]');
    // What stands there of this browser's own decision is the moment of looking, not of then.
    const still = (text) => text.replace(/(Your choice of|You have not|Ihre Auswahl vom|Sie haben noch).*?(?=Necessary|Notwendig|Opt-out)/, '');
    assert.equal(still(await says(shown, 'volenti-banner[data-volenti=dialog]')), still(second));
    assert.deepEqual(replay.asked, [pathToFileURL(join(folder, 'replay/index.html')).href], 'no request but for itself');
    for (const button of ['accept', 'save']) await shown.locator(`volenti-banner[data-volenti=dialog] [data-volenti=${button}]`).click({ timeout: 2000 }).catch(() => {});
    assert.equal(replay.asked.length, 1, 'also on a click');
    assert.deepEqual(replay.thrown, []);

    const words = readFileSync(join(folder, 'derived/banner.txt'), 'utf8').replace(/^(==.*|\[.*\])$/gm, '').split(/\n+/).filter(Boolean);
    const [title, text] = words;
    assert.ok(first.includes(title) && first.includes(text), `the words in banner.txt: ${title} ${text}`);
  });

test('the server shows it again in a sandbox, and gives the bundle to whoever holds the receipt', async () => {
  const page = await s.open('/?region=DE');
  await ready(page);
  const first = await says(page, 'volenti-banner');
  await press(page, 'reject');
  const { id } = await s.receipt(page);
  const at = `${s.server.base}/v1/sites/shop/receipts/${id}`;
  const answer = await fetch(at + '/shown');
  assert.match(answer.headers.get('content-security-policy'), /^default-src 'none';.*; sandbox allow-scripts$/);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const replay = await (await s.visitor()).newPage();
  const asked = [];
  replay.on('request', (request) => /^(blob|data):/.test(request.url()) || asked.push(request.url()));
  await replay.goto(at + '/shown');
  assert.equal(await says(await framed(replay, 'volenti-banner'), 'volenti-banner'), first);
  assert.deepEqual(asked, [at + '/shown']);
  assert.equal(await replay.evaluate(() => self.origin), 'null', 'it has no origin of ours');

  const given = await fetch(at + '/bundle');
  assert.deepEqual([given.status, given.headers.get('content-type'), given.headers.get('cache-control')], [200, 'application/zip', 'no-store']);
  const path = s.server.file('given.zip', Buffer.from(await given.arrayBuffer()));
  assert.equal(checked(path).status, 0);
  for (const path of ['/bundle', '/shown']) assert.equal((await fetch(at.replace(id, '0'.repeat(32)) + path)).status, 404);
});

test('a note about a changed policy, and the page without script, can be seen again', async () => {
  const visitor = await s.visitor();
  const page = await s.open('/?region=DE&lang=de', visitor);
  await press(page, 'reject');
  await s.receipt(page);
  s.server.volenti('policy', 'import', s.server.file('next.md', policy('We keep an order for eight years.')), '--site', 'shop', '--material', '--grace-days', '14', '--summary', 'de=Wir bewahren länger auf.', '--summary', 'en=We keep more.');
  await wait(async () => /"h":\d+/.test(await (await fetch(s.server.base + '/b/shop.js?region=DE')).text()), 'the new policy');
  const noted = visitor.waitForEvent('response', { predicate: (r) => r.request().method() === 'POST' && /noticed/.test(r.request().postData() ?? '') });
  const later = await s.open('/?region=DE&lang=de&later', visitor);
  await later.locator('volenti-note [data-volenti=ok]').waitFor();
  const note = await says(later, 'volenti-note');
  const { id } = await (await noted).json();
  const folder = unpack(bundle(id, 'note'));
  const replay = await offline(join(folder, 'replay/index.html'));
  await wait(async () => /länger/.test(await says(await framed(replay, 'volenti-note'), 'volenti-note')), 'the note');
  assert.equal(await says(replay.frames()[1], 'volenti-note'), note);
  assert.equal(replay.asked.length, 1);

  const choices = await (await s.visitor({ javaScriptEnabled: false })).newPage();
  await choices.goto(`${s.server.base}/privacy/shop/choices?region=DE&lang=de`);
  const asked = (await choices.locator('main').innerText()).split('\n')[0];
  await choices.locator('button[value=reject_all]').first().click();
  await choices.waitForURL(/receipt=/);
  const without = unpack(bundle(new URL(choices.url()).searchParams.get('receipt'), 'page'));
  assert.ok(!existsSync(join(without, 'shown/script.js')));
  const again = await offline(join(without, 'replay/index.html'));
  const frame = await framed(again, 'main');
  assert.ok((await says(frame, 'main')).includes(asked), asked);
  assert.notEqual(await frame.evaluate(() => getComputedStyle(document.querySelector('main')).maxWidth), 'none', 'with its style');
  assert.equal(again.asked.length, 1);
  assert.equal(checked(bundle(id, 'note')).status, 0);
});

test('the program and the page agree on good and on altered bundles', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'accept');
  const { id } = await s.receipt(page);
  const good = bundle(id, 'good');
  const files = unzip(readFileSync(good));
  const verify = await offline(join(unpack(good), 'verify.html'));
  assert.equal(await judged(verify, good), 'holds');
  assert.deepEqual([checked(good).status, checked(good).failed], [0, []]);
  assert.equal(await judged(verify, s.server.file('anew.zip', zip(files))), 'holds', 'packed anew by another program');

  /** MANIFEST as it would have to be. */
  const fit = async (changed) => {
    const { createHash } = await import('node:crypto');
    const names = [...changed.keys()].filter((name) => name !== 'MANIFEST').sort();
    changed.set('MANIFEST', Buffer.from(names.map((name) => `${createHash('sha256').update(changed.get(name)).digest('hex')}  ${name}\n`).join('')));
    return changed;
  };
  const derived = (name) => ['README.txt', 'verify.html', 'verify.py', 'replay/index.html'].includes(name) || name.startsWith('derived/');
  let n = 0;
  for (const [name, content] of files) {
    const at = Math.floor((content.length * ((7 * ++n) % 11)) / 11);
    const changed = new Map(files);
    const altered = Buffer.from(content);
    altered[at] ^= 1;
    changed.set(name, altered);
    const path = s.server.file('altered.zip', zip(changed));
    const [ours, theirs] = [checked(path), await judged(verify, path)];
    assert.equal(ours.status, 3, name);
    assert.ok(ours.failed.includes('manifest'), `${name}: ${ours.failed}`);
    assert.notEqual(theirs, 'holds', name);
    if (name === 'MANIFEST') continue;
    // The one who altered it makes MANIFEST fit: the program finds it still, and so does the page, but for what is derived.
    const fitted = s.server.file('fitted.zip', zip(await fit(changed)));
    const anyway = checked(fitted);
    assert.equal(anyway.status, 3, name);
    assert.ok(!anyway.failed.includes('manifest'), name);
    if (!derived(name) && name !== 'bundle.json') assert.notEqual(await judged(verify, fitted), 'holds', name);
  }
  for (const [what, bytes] of Object.entries({
    'no zip': Buffer.from('no zip at all, whatever its name'),
    'cut off': readFileSync(good).subarray(0, 20_000),
    'a way out': zip(new Map([...files, ['../out.txt', Buffer.from('x')]])),
    'a name twice': zip(new Map([...files, ['Receipt.json', Buffer.from('x')]])),
    'a file too many': zip(await fit(new Map([...files, ['shown/more.json', Buffer.from('x')]]))),
    'a file missing': zip(await fit(new Map([...files].filter(([name]) => name !== 'shown/law.json')))),
  })) {
    const path = s.server.file('odd.zip', bytes);
    assert.notEqual(await judged(verify, path), 'holds', what);
    if (what !== 'no zip') assert.equal(checked(path).status, 3, what);
  }
  assert.equal(await judged(verify, good), 'holds', 'the counter-check');
  assert.equal(verify.asked.length, 1, 'nothing was asked of anybody');

  // What somebody has from elsewhere.
  const keys = await (await fetch(s.server.base + '/.well-known/jwks.json')).text();
  assert.equal(checked(good, '--keys', s.server.file('jwks.json', keys), '--log-key', s.server.file('vkey', files.get('log/vkey')), '--checkpoint', s.server.file('checkpoint', files.get('log/checkpoint'))).status, 0);
  await verify.locator('summary').click();
  await verify.locator('#keys').fill(keys);
  await verify.locator('#vkey').fill(files.get('log/vkey').toString().trim());
  await verify.locator('#checkpoint').fill(files.get('log/checkpoint').toString());
  assert.equal(await judged(verify, good), 'holds');
  assert.match(await verify.locator('#result').innerText(), /with the keys you gave[\s\S]*checkpoint is the one you kept/);
  await verify.locator('#vkey').fill('other.example/log+12345678+AfGZ2cE3BO1U9nVHfhx8fKbKeSBvWYNdTBlDnNXZxfZc');
  assert.notEqual(await judged(verify, good), 'holds');
});

test('a bundle brings a checkpoint from before its receipt, and the proof that the log went on from there', async () => {
  const before = await (await fetch(s.server.base + '/log/checkpoint')).text();
  const kept = s.server.file('before', before);
  const page = await s.open('/?region=DE');
  await press(page, 'accept');
  const { id } = await s.receipt(page);
  const good = join(dirname(kept), 'earlier.zip');
  s.server.volenti('receipt', 'bundle', id, '--site', 'shop', '--out', good, '--checkpoint', kept);
  const files = unzip(readFileSync(good));
  assert.equal(files.get('log/earlier-checkpoint').toString(), before);
  const verify = await offline(join(unpack(good), 'verify.html'));
  assert.equal(await judged(verify, good), 'holds');
  assert.match(checked(good, '--checkpoint', kept).stdout, /^ok +earlier checkpoint[\s\S]*^ok +kept checkpoint/m);
  await verify.locator('summary').click();
  await verify.locator('#checkpoint').fill(before);
  assert.equal(await judged(verify, good), 'holds', 'by what somebody kept');
  await verify.locator('#checkpoint').fill('');
  const { createHash } = await import('node:crypto');
  for (const name of ['log/earlier-checkpoint', 'log/consistency.json'])
    for (let i = 1; i < 8; i++) {
      const altered = Buffer.from(files.get(name));
      altered[Math.floor((altered.length * i) / 8)] ^= 1;
      const changed = new Map([...files, [name, altered]]);
      const names = [...changed.keys()].filter((file) => file !== 'MANIFEST').sort();
      changed.set('MANIFEST', Buffer.from(names.map((file) => `${createHash('sha256').update(changed.get(file)).digest('hex')}  ${file}\n`).join('')));
      const path = s.server.file('altered.zip', zip(changed));
      assert.deepEqual([checked(path).failed, await judged(verify, path).then((said) => said === 'holds')], [['earlier checkpoint'], false], `${name}, ${i} of 8`);
    }
});

test('Python and OpenSSL are enough', { skip: spawnSync('python3', ['--version']).status || spawnSync('openssl', ['version']).status ? 'they are not here' : false }, async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'reject');
  const folder = unpack(bundle((await s.receipt(page)).id, 'by-hand'));
  assert.match(execFileSync('python3', [join(folder, 'verify.py')], { encoding: 'utf8' }), /All checks hold/);
  execFileSync('sha256sum', ['-c', '--quiet', 'MANIFEST'], { cwd: folder });
  const notice = join(folder, 'shown/notice.json');
  writeFileSync(notice, readFileSync(notice, 'utf8').replace('Shop', 'Chop'));
  assert.notEqual(spawnSync('python3', [join(folder, 'verify.py')]).status, 0);
});

test('the pages are for everybody', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'reject');
  const path = bundle((await s.receipt(page)).id, 'pages');
  const folder = unpack(path);
  for (const options of [{ viewport: { width: 320, height: 568 } }, { colorScheme: 'dark' }]) {
    const replay = await offline(join(folder, 'replay/index.html'), options);
    await framed(replay, 'volenti-banner');
    assert.deepEqual(await findings(replay), []);
    assert.deepEqual(await replay.evaluate(tooWide), []);
    const context = await s.visitor({ ...options, bypassCSP: true }); // what judges the page is put into it
    const verify = await context.newPage();
    await verify.goto(s.server.base + '/log/verify');
    assert.equal(await judged(verify, path), 'holds');
    await verify.locator('summary').click();
    assert.deepEqual(await findings(verify), []);
    assert.deepEqual(await verify.evaluate(tooWide), []);
  }
});

for (const [name, { open, skip }] of Object.entries(drivers))
  test(`${name} shows the replay too`, { skip }, async () => {
    const page = await s.open('/?region=DE');
    await ready(page);
    const words = await page.locator('volenti-banner p').nth(1).innerText();
    await press(page, 'reject');
    const { id } = await s.receipt(page);
    const browser = await open();
    try {
      await browser.go(`${s.server.base}/v1/sites/shop/receipts/${id}/shown`);
      await wait(() => browser.run('return document.querySelector("iframe") && document.querySelector("iframe").srcdoc.length > 1000'), 'the frame', patience);
      await wait(async () => (await browser.within('iframe', 'return document.querySelector("volenti-banner") ? document.querySelector("volenti-banner").textContent : ""')).includes(words), 'the banner');
    } finally {
      await browser.end();
    }
  });
