// Reads a zip, more strictly than programs that only want the files: what could be read in two ways is refused.
const maxArchive = 64 << 20;
const maxFile = 32 << 20;
const maxTotal = 128 << 20;
const maxFiles = 4096;
const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,9}$/;

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
const crc32 = (bytes) => {
  let c = 0xffffffff;
  for (const b of bytes) c = crcTable[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
};

/** Inflates to exactly `size` bytes, and stops a stream that has more. */
const inflate = async (data, size) => {
  const out = new Uint8Array(size);
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > size) {
      reader.cancel().catch(() => {});
      throw new Error('is longer than it says');
    }
    out.set(value, at);
    at += value.length;
  }
  if (at !== size) throw new Error('is not as long as it says');
  return out;
};

/** The files of a zip, by name. */
const unzip = async (zip) => {
  if (zip.length > maxArchive) throw new Error(`it is larger than ${maxArchive >> 20} MiB`);
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const u16 = (at) => view.getUint16(at, true);
  const u32 = (at) => view.getUint32(at, true);
  const latin = (from, to) => String.fromCharCode(...zip.subarray(from, to));

  let end = zip.length - 22;
  while (end >= 0 && end >= zip.length - 22 - 0xffff && u32(end) !== 0x06054b50) end--;
  if (end < 0 || u32(end) !== 0x06054b50) throw new Error('it is no zip, or its end is missing');
  if (end + 22 + u16(end + 20) !== zip.length) throw new Error('something follows its end');
  const count = u16(end + 10);
  const start = u32(end + 16);
  if (u16(end + 4) || u16(end + 6) || u16(end + 8) !== count) throw new Error('it is in several parts');
  if (count > maxFiles) throw new Error(`it holds more than ${maxFiles} files`);
  if (start + u32(end + 12) !== end) throw new Error('its directory is not where it says');

  const members = [];
  const seen = new Set();
  let at = start;
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || u32(at) !== 0x02014b50) throw new Error('its directory breaks off');
    const names = u16(at + 28);
    const next = at + 46 + names + u16(at + 30) + u16(at + 32);
    if (next > end) throw new Error('its directory breaks off');
    const m = { name: latin(at + 46, at + 46 + names), method: u16(at + 10), streamed: u16(at + 8) & 8, crc: u32(at + 16), packed: u32(at + 20), size: u32(at + 24), at: u32(at + 42) };
    const folder = m.name.endsWith('/');
    const bare = folder ? m.name.slice(0, -1) : m.name;
    if (u16(at + 8) & 1) throw new Error(`${m.name} is encrypted`);
    if (m.method !== 0 && m.method !== 8) throw new Error(`${m.name} is packed in a way that is not read here`);
    if (m.size > maxFile) throw new Error(`${m.name} is larger than ${maxFile >> 20} MiB`);
    if ((total += m.size) > maxTotal) throw new Error(`its files come to more than ${maxTotal >> 20} MiB`);
    if (!fileName.test(bare) || (folder && m.size)) throw new Error(`${JSON.stringify(m.name.slice(0, 100))} is no name of a file of a bundle`);
    if (seen.has(bare.toLowerCase())) throw new Error(`${m.name} is there twice`);
    seen.add(bare.toLowerCase());
    members.push(m);
    at = next;
  }
  if (at !== end) throw new Error('its directory holds more files than it counts');

  const files = new Map();
  let reached = 0;
  for (const m of members.sort((a, b) => a.at - b.at)) {
    const fail = (what) => {
      throw new Error(`${m.name} ${what}`);
    };
    if (m.at + 30 > start || u32(m.at) !== 0x04034b50) fail('is not where the directory says');
    const from = m.at + 30 + u16(m.at + 26) + u16(m.at + 28);
    let to = from + m.packed;
    if (to > start) fail('breaks off');
    const said = [m.crc, m.packed, m.size];
    const local = [u32(m.at + 14), u32(m.at + 18), u32(m.at + 22)];
    const flags = u16(m.at + 6);
    if (latin(m.at + 30, m.at + 30 + u16(m.at + 26)) !== m.name || u16(m.at + 8) !== m.method || (flags & 8) !== m.streamed || flags & 1 || !(same(local, said) || (m.streamed && same(local, [0, 0, 0]))))
      fail('is described in two ways');
    const data = zip.subarray(from, to);
    if (m.streamed) {
      if (to + 4 <= start && u32(to) === 0x08074b50) to += 4;
      if (to + 12 > start) fail('breaks off');
      if (!same([u32(to), u32(to + 4), u32(to + 8)], said)) fail('is described in two ways');
      to += 12;
    }
    if (m.at !== reached) throw new Error(`before ${m.name} there is what belongs to no file`);
    reached = to;
    if (m.method === 0 && m.packed !== m.size) fail('is not as long as it says');
    const content = m.method === 0 ? data : await inflate(data, m.size).catch((e) => fail(/^is /.test(e.message) ? e.message : 'can’t be unpacked'));
    if (crc32(content) !== m.crc) fail('does not match its checksum');
    if (!m.name.endsWith('/')) files.set(m.name, content);
  }
  if (reached !== start) throw new Error('behind the last file there is what belongs to none');
  return files;
};
