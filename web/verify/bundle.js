// Checks a bundle: the same as `volenti receipt verify`, but for what is derived, which takes the program to make again.

/** What each check is about, in the order they are done in. */
const about = {
  archive: 'the zip is sound: nothing in it can be read in two ways',
  manifest: 'every file has the digest that MANIFEST lists, and no other file is there',
  keys: 'the keys in the bundle are written as a server publishes them',
  form: 'the receipt has the form of one, byte for byte',
  ids: 'its parts belong to one receipt',
  contents: 'what it says does not contradict itself',
  leaf: 'record, salts and leaf belong together',
  key: 'the key it names is among those given',
  signature: 'the signature is of that key, over that leaf',
  experience: 'what was shown is what the record names',
  notice: 'the notice',
  wording: 'the words',
  tags: 'the tags',
  law: 'the row of the law table',
  script: 'the script that asked, and those it fetches',
  page: 'the page on which was answered',
  policies: 'the policies’ texts, and their chains without a gap',
  token: 'the token that came with the question',
  checkpoint: 'the checkpoint is signed by the log',
  inclusion: 'the receipt’s leaf is in the log at that checkpoint',
  entries: 'the entries of the policies’ versions are in the log',
  'earlier checkpoint': 'the log continues the earlier checkpoint in it',
  'kept checkpoint': 'the log is the one whose checkpoint you kept',
  files: 'nothing else is in the bundle',
  derived: 'README, words and replay are what comes of the evidence',
};

/** Whether a file is made from the others. */
const isDerived = (name) => ['README.txt', 'replay/index.html', 'verify.html', 'verify.py'].includes(name) || name.startsWith('derived/');

/**
 * Checks the bytes of a zip. `trust`: texts that came from elsewhere, each optional: keys (JWKS), vkey, checkpoint.
 * Returns { ok, checks: [{ name, failed?, note? }], receipt?, log? }; it throws nothing.
 */
const verifyBundle = async (zip, trust = {}) => {
  const checks = [];
  const result = { ok: false, checks };
  const check = async (name, what) => {
    try {
      const value = await what();
      checks.push({ name });
      return value;
    } catch (e) {
      checks.push({ name, failed: e.message });
      return undefined;
    }
  };
  const fail = (what) => {
    throw new Error(what);
  };
  const files = await check('archive', () => unzip(zip));
  if (!files) return result;
  const file = (name) => files.get(name) ?? fail(`${name} is missing`);
  const named = async (name, want) => {
    if (want === undefined && !files.has(name)) return;
    if (want === undefined) fail(`${name} is named by nothing`);
    if ((await digest(file(name))) !== want) fail(`${name} was altered: its digest is not the one that names it`);
  };

  await check('manifest', () => checkManifest(files));
  await check('keys', async () => {
    const document = parse(file('keys/jwks.json'), 'keys/jwks.json');
    const own = [...(await keysOf(text(file('keys/jwks.json')))).entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    if (canonical(document) !== canonical({ keys: own.map(([kid, x]) => ({ crv: 'Ed25519', kid, kty: 'OKP', use: 'sig', x: base64url(x) })) })) fail('keys/jwks.json is not as a server publishes it');
    const line = text(file('log/vkey'));
    await parseVkey(line.slice(0, -1));
    if (!line.endsWith('\n')) fail('log/vkey is not one line');
  });
  const receipt = await check('form', () => readReceipt(file('receipt.json')));
  const core = receipt?.core ?? {};
  const hash = receipt?.hash;
  if (receipt) {
    await check('ids', () => core.id === receipt.id && (receipt.personal?.id ?? receipt.id) === receipt.id || fail('the receipt’s parts have different ids'));
    await check('contents', () => fail2(contradiction(core, receipt.personal)));
    await check('leaf', async () => same(await leafOf(receipt), hash) || fail('the record, a salt or the leaf was altered: they do not belong together'));
    const key = await check('key', async () => (await keysOf(trust.keys ?? text(file('keys/jwks.json')))).get(receipt.key_id) ?? fail(`the key is not among those given: ${receipt.key_id}`));
    if (key) await check('signature', async () => (await signed(key, receipt.signed, join(utf8.encode('volenti receipt v1\n'), hash))) || fail('the signature is not of this key over this leaf'));
  }
  const x = (await check('experience', async () => {
    await named('shown/experience.json', core.experience);
    const it = parse(file('shown/experience.json'), 'experience.json');
    if (!exactly(it, 'language law notice policies schema script site tags wording') || it.schema !== 'experience/v1' || it.site !== core.site || it.language !== core.language || it.notice !== core.notice)
      fail('it is of another site, language or notice than the record');
    return it;
  })) ?? { policies: {} };
  const must = (digest) => digest ?? 'nothing';
  for (const part of ['notice', 'wording', 'tags']) await check(part, () => named(`shown/${part}.json`, must(x[part])));
  await check('law', async () => {
    await named('shown/law.json', must(x.law));
    if (JSON.parse(text(file('shown/law.json'))).id !== core.law) fail('this is another row than the record names');
  });
  const page = files.has('shown/page.html');
  if (page) await check('page', async () => {
    await named('shown/page.html', must(x.script));
    await checkStyle(files);
  });
  else await check('script', async () => {
    await named('shown/script.js', must(x.script));
    await checkModules(files);
  });
  await check('policies', () => checkPolicies({ files, file, named, fail }, core, x));
  if (files.has('shown/token.txt')) await check('token', async () => {
    await named('shown/token.txt', must(core.token));
    checkToken(text(file('shown/token.txt')), core) || fail('it says something else than the record: another experience, law, region or time');
  });
  else checks.push({ name: 'token', note: 'it is not in the bundle: the key it was made with is not kept any more' });

  const log = await check('checkpoint', async () => {
    const vkey = await parseVkey((trust.vkey ?? text(file('log/vkey'))).replace(/\n$/, ''));
    result.log = await openCheckpoint(file('log/checkpoint'), vkey);
    return vkey;
  });
  await check('inclusion', async () => {
    const proof = parseProof(file('log/receipt.tlog-proof'));
    if (!same(proof.checkpoint, file('log/checkpoint'))) fail('it leads to another checkpoint than log/checkpoint');
    await included(proof, receipt?.leaf.index ?? -1, hash ?? [], log ?? fail('there is no checkpoint to lead to'));
  });
  await check('entries', async () => {
    for (const [key, { number }] of Object.entries(core.policies ?? {})) {
      const at = `policies/${key}/${number}/`;
      const { leaf } = await readLink(file(at + 'entry.json'), at + 'entry.json');
      await included(parseProof(file(at + 'entry.tlog-proof')), leaf.index, leaf.bytes, log ?? fail('there is no checkpoint to lead to'));
    }
  });
  let earlier;
  if (files.has('log/earlier-checkpoint') || files.has('log/consistency.json')) await check('earlier checkpoint', async () => {
    const before = await openCheckpoint(file('log/earlier-checkpoint'), log ?? fail('there is no key to check it with'));
    const { proof } = JSON.parse(text(file('log/consistency.json')));
    if (!Array.isArray(proof) || proof.length > 130) fail('log/consistency.json is no proof of consistency');
    const state = ({ root, size }) => ({ root: btoa(String.fromCharCode(...root)), size: Number(size) });
    if (JSON.stringify({ new: state(result.log), old: state(before), proof }) !== text(file('log/consistency.json'))) fail('log/consistency.json says something else than what it proves');
    if (!(await continued(before, result.log, proof.map((hash) => unbase64(String(hash), 32))))) fail('the proof does not show that the log continues it');
    earlier = before;
  });
  if (trust.checkpoint) await check('kept checkpoint', async () => {
    const mine = await openCheckpoint(utf8.encode(trust.checkpoint), log ?? fail('there is no key to check it with'));
    if (earlier && mine.size === earlier.size && same(mine.root, earlier.root)) return;
    const its = result.log;
    if (mine.size !== its.size) fail(`yours is of ${mine.size} leaves, the bundle’s of ${its.size}: ask for a bundle made for yours`);
    if (!same(mine.root, its.root)) fail(`the log has shown two different trees of ${its.size} leaves: this is not the log you know`);
  });
  await check('files', () => checkFiles(files, core, page));
  checks.push({ name: 'derived', note: 'this page can’t make README.txt, derived/ and replay/ again. volenti receipt verify does, and compares' });
  result.ok = checks.every(({ failed }) => failed === undefined);
  if (result.ok) result.receipt = receipt;
  return result;
};
const fail2 = (what) => {
  if (what) throw new Error(what);
};
