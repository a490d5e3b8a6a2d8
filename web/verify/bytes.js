// Bytes, digests and the two spellings of bytes that stand in evidence.
const utf8 = new TextEncoder();
/** Text of bytes; throws for what is no UTF-8. */
const text = (bytes) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
const digest = async (bytes) => hex(await sha256(bytes));
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
};
const base64 = (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''));
/** Bytes of base64, of which there is one spelling only; `length` of them, where that is said. */
const unbase64 = (s, length) => {
  if (typeof s !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(s)) throw new Error('this is not base64');
  const bytes = Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
  if (base64(bytes) !== s || (length !== undefined && bytes.length !== length)) throw new Error('this is not base64 of the length it should have');
  return bytes;
};
/** The same of base64url without padding (RFC 4648, 5). */
const unbase64url = (s, length) => {
  if (typeof s !== 'string' || !/^[A-Za-z0-9_-]*$/.test(s)) throw new Error('this is not base64url');
  return unbase64(s.replace(/-/g, '+').replace(/_/g, '/') + '='.repeat((4 - (s.length % 4)) % 4), length);
};
const base64url = (bytes) => base64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

/** RFC 8785: names in order of UTF-16 units; numbers and strings as ECMAScript writes them. */
const canonical = (value) =>
  Array.isArray(value)
    ? '[' + value.map(canonical).join(',') + ']'
    : value && typeof value === 'object'
      ? '{' + Object.keys(value).sort().map((k) => JSON.stringify(k) + ':' + canonical(value[k])).join(',') + '}'
      : JSON.stringify(value);
/** Reads JSON that has to be in canonical form: no name twice, no other spelling. */
const parse = (bytes, what) => {
  const source = text(bytes);
  let value;
  try {
    value = JSON.parse(source);
  } catch {
    throw new Error(`${what} is not JSON`);
  }
  if (canonical(value) !== source) throw new Error(`${what} is not in canonical form: these are not the bytes that were kept`);
  return value;
};
/** Whether an object has these members and no others. */
const exactly = (o, names) => !!o && typeof o === 'object' && !Array.isArray(o) && Object.keys(o).sort().join(' ') === names;

/** Whether this browser can check signatures at all. */
const unable = async () => {
  if (!globalThis.crypto?.subtle) return 'This browser lets only pages over https, or from disk, compute digests: open the page in one of these ways.';
  if (typeof DecompressionStream === 'undefined') return 'This browser can’t unpack a zip: use a newer one, or verify.py in the bundle.';
  try {
    await crypto.subtle.importKey('raw', new Uint8Array(32), 'Ed25519', false, ['verify']);
  } catch (e) {
    if (e.name === 'NotSupportedError') return 'This browser can’t check Ed25519 signatures: use a newer one (Chromium 137, Firefox 129, Safari 17), or verify.py in the bundle.';
  }
  return '';
};
/** Whether a signature is of that key over that message (RFC 8032). */
const signed = async (key, signature, message) => {
  const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', imported, signature, message);
};
