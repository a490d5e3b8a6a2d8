// Parts of a bundle, each with what makes it fail.

const checkManifest = async (files) => {
  if (!files.has('MANIFEST')) throw new Error('there is no MANIFEST');
  const lines = [];
  for (const name of [...files.keys()].sort()) if (name !== 'MANIFEST') lines.push(`${await digest(files.get(name))}  ${name}\n`);
  const said = text(files.get('MANIFEST'));
  if (said === lines.join('')) return;
  const listed = new Set(said.split('\n').map((line) => line + '\n'));
  const altered = lines.find((line) => !listed.has(line));
  throw new Error(altered ? `${altered.slice(66, -1)} was altered, or is not listed` : 'MANIFEST lists what is not there, or is not in order of names');
};

const style = /<link rel="stylesheet" href="[./]*assets\/([0-9a-f]{16})\//;
const checkStyle = async (files) => {
  const css = files.get('shown/page.css');
  if (css && (await digest(css)).slice(0, 16) !== style.exec(text(files.get('shown/page.html')))?.[1]) throw new Error('shown/page.css is not the style sheet that the page names');
};

/** Makes sure that each further script is fetched by the first, or by one that is. */
const checkModules = async (files) => {
  const modules = [...files.keys()].filter((name) => name.startsWith('shown/modules/'));
  for (const name of modules)
    if (name !== `shown/modules/${await digest(files.get(name))}.js`) throw new Error(`${name} was altered: its digest is not its name`);
  const reached = new Set();
  const next = [files.get('shown/script.js')];
  for (let script; (script = next.shift()); )
    for (const short of text(script).match(/(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])/g) ?? [])
      for (const name of modules)
        if (name.startsWith(`shown/modules/${short}`) && !reached.has(name)) {
          reached.add(name);
          next.push(files.get(name));
        }
  for (const name of modules) if (!reached.has(name)) throw new Error(`${name} is fetched by no script`);
};

/** An entry of a policy version, held against its own digest, salts and leaf (docs/wire.md, "An entry of a policy version"). */
const readLink = async (bytes, name) => {
  const it = parse(bytes, name);
  if (!exactly(it, 'digest entry leaf salts') || !exactly(it.leaf, 'hash index') || !exactly(it.salts, 'core personal') || !/^policy-version\/v[12]$/.test(it.entry?.schema))
    throw new Error(`${name} has not the form of an entry`);
  const entry = utf8.encode(canonical(it.entry));
  if ((await digest(entry)) !== it.digest) throw new Error(`${name}: the entry was altered`);
  const commit = async (salt, half) => sha256(join(unbase64url(salt, 32), half));
  const leaf = await sha256(join(utf8.encode('policy-version/v1\n'), await commit(it.salts.core, entry), await commit(it.salts.personal, [])));
  if (base64url(leaf) !== it.leaf.hash || !Number.isSafeInteger(it.leaf.index) || it.leaf.index < 0) throw new Error(`${name}: entry, salts and leaf do not belong together`);
  return { entry: it.entry, digest: it.digest, leaf: { bytes: leaf, index: it.leaf.index } };
};

const checkPolicies = async ({ files, file, named, fail }, core, x) => {
  /** The one file that was imported. Entries of before they named it bind none. */
  const original = async (begins, want) => {
    const [name, ...more] = [...files.keys()].filter((name) => name.startsWith(begins));
    if (!name || more.length) fail(`there is not one file ${begins}*`);
    if (want !== undefined) await named(name, want);
  };
  const keys = Object.keys(core.policies ?? {}).sort();
  if (keys.join() !== Object.keys(x.policies).sort().join()) fail('the record names other policies than the experience');
  for (const key of keys) {
    const said = core.policies[key];
    if (x.policies[key] !== said.digest) fail(`the record names another text of ${key} than the experience`);
    if (!(said.number >= 1 && said.number <= maxFiles)) fail(`${key} has no version ${said.number}`);
    let before;
    for (let n = 1; n <= said.number; n++) {
      const at = `policies/${key}/${n}/`;
      const { entry, digest: own } = await readLink(file(at + 'entry.json'), at + 'entry.json');
      if (entry.site !== core.site || entry.policy !== key || entry.number !== n) fail(`${at}entry.json is of another version`);
      if (entry.previous !== before) fail(`${at}entry.json does not follow the version before it: one was exchanged, put in between or left out`);
      before = own;
      await named(at + 'summary.json', entry.summary);
      if (n < said.number) continue;
      if (entry.digest !== said.digest || entry.effective !== said.effective) fail(`${at}entry.json is not the version that the receipt names`);
      await named(at + 'text.json', entry.digest);
      await original(at + 'original.', entry.original);
      for (const [language, d] of Object.entries(entry.translations ?? {})) {
        await named(`${at}${language}.text.json`, d);
        await original(`${at}${language}.original.`, entry.originals?.[language]);
      }
    }
  }
};

/** Whether a token says what the record says; docs/wire.md, "The served token". */
const checkToken = (token, core) => {
  const octets = Uint8Array.from(core.experience.match(/../g), (b) => parseInt(b, 16));
  const source = { database: 'd', header: 'h', override: 'o' }[core.region_source] ?? '-';
  const says = ['1', core.site, base64url(octets), core.law, core.region, source, Math.floor(core.token_from / 600000)].join('.');
  return token.slice(0, token.lastIndexOf('.')) === says;
};

/** Makes sure that nothing is in the bundle that nothing speaks of. */
const checkFiles = (files, core, page) => {
  const known = new Set(
    ['MANIFEST', 'bundle.json', 'receipt.json', 'keys/jwks.json', 'shown/experience.json', 'shown/notice.json', 'shown/wording.json', 'shown/tags.json', 'shown/law.json', 'shown/token.txt', 'log/receipt.tlog-proof', 'log/checkpoint', 'log/vkey', 'log/earlier-checkpoint', 'log/consistency.json'].concat(
      page ? ['shown/page.html', 'shown/page.css'] : ['shown/script.js'],
    ),
  );
  const ofPolicy = (name) => {
    const [folder, key, number, file, ...more] = name.split('/');
    const last = core.policies?.[key]?.number;
    if (folder !== 'policies' || more.length || !last || !file || !/^[1-9][0-9]*$/.test(number) || +number > last) return false;
    return ['entry.json', 'summary.json'].includes(file) || (+number === last && (['entry.tlog-proof', 'text.json'].includes(file) || /\.text\.json$|^original\.|\.original\./.test(file)));
  };
  for (const name of files.keys())
    if (!known.has(name) && !isDerived(name) && !(name.startsWith('shown/modules/') && !page) && !ofPolicy(name)) throw new Error(`${name} belongs to no receipt`);
};
