// The log: signed notes (c2sp.org/signed-note), checkpoints, proofs of inclusion (RFC 9162, 2.1.3).

/** A log's public key, as vkey: name+hash+base64(algorithm, key). */
const parseVkey = async (line) => {
  const [, name, hash, packed] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
  if (!name) throw new Error('the key of the log has not the form name+1a2b3c4d+base64');
  const key = unbase64(packed, 33);
  if (key[0] !== 1) throw new Error('the key of the log is not one of Ed25519');
  if (hex((await sha256(join(utf8.encode(name + '\n'), key))).subarray(0, 4)) !== hash) throw new Error('the key of the log is not whole: its hash is another one');
  return { name, hash, key: key.subarray(1) };
};

/** A checkpoint that the log has signed. */
const openCheckpoint = async (bytes, log) => {
  const note = text(bytes);
  const cut = note.lastIndexOf('\n\n');
  if (cut < 0 || !note.endsWith('\n') || note.length > 65536) throw new Error('this is no signed note');
  const body = note.slice(0, cut + 1);
  let found = false;
  for (const line of note.slice(cut + 2, -1).split('\n')) {
    const [, name, packed] = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    if (!name) throw new Error('a line of signature has another form');
    const signature = unbase64(packed);
    if (name !== log.name || hex(signature.subarray(0, 4)) !== log.hash) continue;
    if (found) throw new Error('the log has signed twice');
    if (signature.length !== 68 || !(await signed(log.key, signature.subarray(4), utf8.encode(body)))) throw new Error('the signature is not of the log’s key over this checkpoint');
    found = true;
  }
  if (!found) throw new Error(`it is not signed by the key of ${log.name}`);
  const [origin, size, root] = body.split('\n');
  if (origin !== log.name) throw new Error('it is of another log than its key');
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size ?? '')) throw new Error('it does not say how many leaves there are');
  return { origin, size: BigInt(size), root: unbase64(root, 32) };
};

/** A proof file (c2sp.org/tlog-proof@v1). */
const parseProof = (bytes) => {
  const source = text(bytes);
  const head = 'c2sp.org/tlog-proof@v1\n';
  const cut = source.indexOf('\n\n');
  if (!source.startsWith(head) || cut < 0) throw new Error('this is not a proof of inclusion (c2sp.org/tlog-proof@v1)');
  const lines = source.slice(head.length, cut).split('\n');
  if (lines[0].startsWith('extra ')) unbase64(lines.shift().slice(6));
  const [, index] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '') ?? [];
  if (index === undefined || lines.length > 63) throw new Error('it does not say which leaf it is of');
  return { index: BigInt(index), hashes: lines.map((line) => unbase64(line, 32)), checkpoint: utf8.encode(source.slice(cut + 2)) };
};

/** The root that a leaf's proof leads to; undefined where it has not the length it must have. */
const rootOf = async (hash, index, size, hashes) => {
  if (index >= size) return undefined;
  let fn = index;
  let sn = size - 1n;
  let r = hash;
  for (const p of hashes) {
    if (sn === 0n) return undefined;
    if (fn & 1n || fn === sn) {
      r = await sha256(join([1], p, r));
      while (!(fn & 1n) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else r = await sha256(join([1], r, p));
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n ? r : undefined;
};

/** Whether a log at one head, shown by a proof, continues the same log at an earlier head (RFC 9162, 2.1.4.2). */
const continued = async (earlier, later, hashes) => {
  if (earlier.size > later.size) return false;
  if (earlier.size === later.size) return !hashes.length && same(earlier.root, later.root);
  if (earlier.size === 0n) return !hashes.length && same(earlier.root, await sha256(new Uint8Array(0)));
  let fn = earlier.size - 1n;
  let sn = later.size - 1n;
  for (; fn & 1n; fn >>= 1n) sn >>= 1n;
  // Of a size that is a power of two the earlier root is itself where the way begins.
  const [first, ...way] = fn === 0n ? [earlier.root, ...hashes] : hashes;
  if (!first) return false;
  let was = first;
  let is = first;
  for (const p of way) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      was = await sha256(join([1], p, was));
      is = await sha256(join([1], p, is));
      while (!(fn & 1n) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else is = await sha256(join([1], is, p));
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && same(was, earlier.root) && same(is, later.root);
};

/** Makes sure that a leaf of 32 bytes is in the log; the checkpoint that shows it. */
const included = async (proof, index, leaf, log) => {
  const checkpoint = await openCheckpoint(proof.checkpoint, log);
  if (proof.index !== BigInt(index)) throw new Error(`the proof is of leaf ${proof.index}, and not of ${index}`);
  const root = await rootOf(await sha256(join([0], leaf)), proof.index, checkpoint.size, proof.hashes);
  if (!root || !same(root, checkpoint.root)) throw new Error('the proof does not show that the leaf is in the log');
  return checkpoint;
};
