// Ways in to the console, as people take them: codes of an app, a virtual authenticator, forms.
import { createHmac } from 'node:crypto';

/** The code that an app shows now for a secret in base32 (RFC 6238). */
export const code = (secret, at = Date.now()) => {
  const bits = [...secret.replaceAll(' ', '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
};

export const password = 'amber lantern, quiet harbour';

/** From the page that a one-time link opens: password and code, up to the console. The secret of the codes. */
export const setUp = async (page) => {
  await page.getByRole('link', { name: 'Set password and code' }).click();
  await page.getByLabel('New password').fill(password);
  const secret = (await page.locator('.secret').textContent()).replace(/\s/g, '');
  await page.getByLabel('The code it shows now').fill(code(secret));
  await page.getByRole('button', { name: 'Set password and code' }).click();
  await page.getByRole('heading', { name: 'Keep these codes' }).waitFor();
  const recovery = await page.locator('.codes li').allTextContents();
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await page.getByRole('heading', { name: 'Sites', level: 1 }).waitFor();
  return { secret, recovery };
};

/** A code that counts once more: that of the next step, which a clock may be ahead. */
export const nextCode = (secret) => code(secret, Date.now() + 30_000);

/**
 * An authenticator in the device: it verifies its owner and keeps passkeys. Of this page. It takes a passkey that is
 * offered at once, so browsers that fill in addresses sign in by themselves: `fills` says whether this one does.
 */
export const authenticator = async (page) => {
  await page.addInitScript(() => {
    if (localStorage.fills !== 'yes') PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return {
    keys: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    fills: (yes) => page.evaluate((yes) => (localStorage.fills = yes), yes ? 'yes' : 'no'),
    verifies: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
};
