// A receipt: docs/wire.md, "A receipt".
const isID = (s) => typeof s === 'string' && /^[0-9a-hjkmnp-tv-z]{32}$/.test(s);
const isDigest = (s) => typeof s === 'string' && /^[0-9a-f]{64}$/.test(s);

/** The receipt, taken apart; throws for what has not the form of one. */
const readReceipt = (bytes) => {
  const receipt = parse(bytes, 'receipt.json');
  const { commitments, personal, salts, leaf } = receipt;
  const names = 'core id key_id leaf personal salts schema signature';
  const form = commitments
    ? exactly(receipt, names.replace(' personal', '').replace(/^/, 'commitments ')) && exactly(commitments, 'personal') && exactly(salts, 'core')
    : exactly(receipt, names) && exactly(salts, 'core personal');
  const ok =
    form && receipt.schema === 'receipt/v1' && isID(receipt.id) && /^[A-Za-z0-9_-]{43}$/.test(receipt.key_id) && exactly(leaf, 'hash index') && Number.isSafeInteger(leaf.index) && leaf.index >= 0;
  if (!ok) throw new Error('receipt.json has not the form of receipt/v1');
  const octets = (s, n) => unbase64url(s, n);
  return {
    ...receipt,
    personal,
    hash: octets(leaf.hash, 32),
    signed: octets(receipt.signature, 64),
    saltCore: octets(salts.core, 32),
    saltPersonal: commitments ? undefined : octets(salts.personal, 32),
    commitment: commitments ? octets(commitments.personal, 32) : undefined,
  };
};

/** Its leaf, from what stands in it. */
const leafOf = async (r) => {
  const commit = (salt, half) => sha256(join(salt, utf8.encode(canonical(half))));
  return sha256(join(utf8.encode('consent/v1\n'), await commit(r.saltCore, r.core), r.commitment ?? (await commit(r.saltPersonal, r.personal))));
};

/** Names of a record's members, those that may be absent in brackets, as server/consent writes them. */
const coreNames =
  'action [age] basis categories controller experience given_at id language law law_table models notice policies [previous] received_at [refusals_until] region region_source schema signals site state surface token token_from valid_until vendors'.split(' ');

const later = (ms, months) => {
  const t = new Date(ms);
  t.setUTCMonth(t.getUTCMonth() + months);
  return t.getTime();
};

/** What can't stand in a record however it was signed: the same rules as consent.Verify has. */
const contradiction = (c, personal) => {
  const allowed = new Set(coreNames.map((n) => n.replace(/[[\]]/g, '')));
  const required = coreNames.filter((n) => n[0] !== '[');
  if (Object.keys(c).some((k) => !allowed.has(k)) || required.some((k) => !(k in c))) return 'its members are not those of a record';
  if (c.schema !== 'consent/v1') return 'its schema is another one';
  if (personal && (!exactly(personal, 'id schema subject') || personal.schema !== 'consent-personal/v1' || !isID(personal.subject))) return 'its personal part is not consent-personal/v1';
  for (const k of ['given_at', 'received_at', 'valid_until', 'token_from']) if (!Number.isSafeInteger(c[k])) return 'one of its times is none';
  const values = [...Object.values(c.categories), ...Object.values(c.vendors)];
  const has = (choice) => values.includes(choice);
  const own = !['acknowledge', 'noticed', 'signal'].includes(c.action);
  const refusals = c.refusals_until ?? 0;
  const { asked = 0, confirmed = false } = c.age ?? {};
  const state =
    { acknowledge: 'acknowledged', noticed: 'informed', signal: 'signal_applied', withdraw: 'withdrawn' }[c.action] ?? (has('granted') ? (has('refused') ? 'partial' : 'given') : 'refused');
  if (c.given_at > c.received_at) return 'it was received before it was given';
  if ((c.action === 'share') !== (c.surface === 'share') || (c.action === 'share' && !c.previous)) return 'it was taken over from nowhere';
  if (c.given_at < Math.min(c.token_from, c.received_at) && c.action !== 'share') return 'it was given before its banner was served';
  if (c.valid_until <= c.received_at || (c.valid_until > later(c.received_at, 14) && has('granted'))) return 'it ends before it begins, or after more than 13 months';
  if (Math.max(c.valid_until, refusals) > later(c.received_at, 37) || (refusals && (refusals <= c.valid_until || !has('refused')))) return 'its refusals rest longer than three years, or shorter than its grants last';
  if (!['explicit', 'implied'].includes(c.basis) || (c.basis === 'explicit' && !own)) return 'its basis does not fit its action';
  if (c.previous !== undefined && (!isID(c.previous) || c.previous === c.id)) return 'it does not name the record it replaces';
  if (asked < 0 || asked > 21 || (!asked && confirmed) || (asked && !confirmed && has('granted'))) return 'it grants something that nobody old enough has granted';
  if (state !== c.state) return 'its state does not fit its choices';
  if (values.some((v) => !['granted', 'refused', 'not_asked'].includes(v))) return 'one of its choices is none';
  if (Object.keys(c.categories).some((k) => !(k in c.models))) return 'it does not say what the law asks for a category';
  if (![c.experience, c.notice, c.token, ...Object.values(c.policies).map((p) => p.digest)].every(isDigest)) return 'what it names is not named by digests';
  return '';
};

/** Ed25519 keys of a JWKS document, by thumbprint (RFC 7638): whatever id the document gives them. */
const keysOf = async (source) => {
  const keys = new Map();
  for (const { kty, crv, x, d } of JSON.parse(source).keys) {
    if (d !== undefined) throw new Error('a private key is in it: anybody who has this file can sign receipts');
    if (kty !== 'OKP' || crv !== 'Ed25519') continue;
    const key = unbase64url(x, 32);
    keys.set(base64url(await sha256(utf8.encode(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`))), key);
  }
  if (!keys.size) throw new Error('no Ed25519 key is in it');
  return keys;
};
