// Signs cookies as the server does (docs/wire.md, "The cookie"; gorilla/securecookie), with the keys of an installation:
// so a test can have one that no visitor could make, and whose signature is right.
import { createHmac } from 'node:crypto';

const encode = (text) => Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

/** What a cookie says: [version, site, receipt, notice, decided, ends, flags, choices]. */
export const open = (value) => {
  const [, payload] = Buffer.from(value, 'base64url').toString('latin1').split('|');
  return Buffer.from(payload, 'base64url').toString().split('.');
};

/** A cookie that says this, signed by the installation. */
export const sign = (server, parts) => {
  const key = Buffer.from(JSON.parse(server.read('keys/secrets.json')).cookie[0], 'base64');
  const text = `${Math.floor(Date.now() / 1000)}|${encode(parts.join('.'))}`;
  const mac = createHmac('sha256', key).update(`volenti|${text}`).digest();
  return encode(Buffer.concat([Buffer.from(text + '|'), mac]));
};

/** The same cookie with other content and the signature it had. */
export const edit = (value, change) => {
  const raw = Buffer.from(value, 'base64url');
  const first = raw.indexOf('|');
  const second = raw.indexOf('|', first + 1);
  return encode(Buffer.concat([raw.subarray(0, first + 1), Buffer.from(encode(change(open(value)).join('.'))), raw.subarray(second)]));
};
