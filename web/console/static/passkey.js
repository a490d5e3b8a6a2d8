// Passkeys: the one thing of the console that no browser does without script. What
// it needs stands in data- attributes; the boxes are shown only where it works.

const supported = typeof PublicKeyCredential === 'function' && !!navigator.credentials;

// WebAuthn speaks of bytes, JSON of base64url.
const toBytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const send = async (box, path, body) => {
  const answer = await fetch(box.dataset.root + path, {
    method: 'POST',
    headers: { 'Volenti-Token': box.dataset.token, 'Content-Type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
  if (answer.redirected) { // to prove anew who this is
    location.assign(answer.url);
    return new Promise(() => {});
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.wrong ?? said.detail ?? 'That did not work. Load the page again and try once more');
  return said;
};

const listed = (list) => (list ?? []).map((c) => ({ ...c, id: toBytes(c.id) }));

const ways = {
  async 'sign-in'(box, how) {
    const options = await send(box, 'admin/sign-in/passkey/ask?to=' + encodeURIComponent(box.dataset.to));
    const key = await navigator.credentials.get({
      publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: listed(options.allowCredentials) },
      ...how,
    });
    return send(box, 'admin/sign-in/passkey', {
      id: key.id, rawId: toText(key.rawId), type: key.type, clientExtensionResults: {},
      authenticatorAttachment: key.authenticatorAttachment ?? undefined,
      response: {
        clientDataJSON: toText(key.response.clientDataJSON), authenticatorData: toText(key.response.authenticatorData),
        signature: toText(key.response.signature), userHandle: key.response.userHandle ? toText(key.response.userHandle) : undefined,
      },
    });
  },
  async add(box) {
    const name = box.querySelector('input').value;
    const options = await send(box, 'admin/account/passkeys/ask');
    const key = await navigator.credentials.create({
      publicKey: {
        ...options, challenge: toBytes(options.challenge), user: { ...options.user, id: toBytes(options.user.id) },
        excludeCredentials: listed(options.excludeCredentials),
      },
    });
    return send(box, 'admin/account/passkeys?name=' + encodeURIComponent(name), {
      id: key.id, rawId: toText(key.rawId), type: key.type, clientExtensionResults: {},
      authenticatorAttachment: key.authenticatorAttachment ?? undefined,
      response: {
        clientDataJSON: toText(key.response.clientDataJSON), attestationObject: toText(key.response.attestationObject),
        transports: key.response.getTransports?.() ?? [],
      },
    });
  },
};

const words = (error) => ({
  NotAllowedError: 'No passkey was chosen. Try again when you have it at hand',
  InvalidStateError: 'This device has a passkey for you already',
  SecurityError: 'Browsers have no passkeys for this address',
  TypeError: 'The server can’t be reached. Try again in a moment', // of fetch
}[error.name] ?? error.message);

// A challenge counts for five minutes: one that waits in the address field is asked anew before that.
const waits = 4 * 60_000;
let waiting; // what waits in the address field

/** Offers passkeys where the browser fills in the address (conditional mediation), for as long as the page is open. */
const offer = async (box) => {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  for (;;) {
    waiting = new AbortController();
    const { signal } = waiting;
    const timer = setTimeout(() => waiting.abort('anew'), waits);
    try {
      const { to } = await ways['sign-in'](box, { mediation: 'conditional', signal });
      return location.assign(box.dataset.root + to);
    } catch (error) {
      if (signal.reason === 'anew') continue;
      if (!signal.aborted && error.name !== 'NotAllowedError') fail(box, error);
      return;
    } finally {
      clearTimeout(timer);
    }
  }
};

// Another tab may have been asked meanwhile, and a browser remembers one question.
document.addEventListener('visibilitychange', () => document.hidden || waiting?.abort('anew'));

const fail = (box, error) => {
  const wrong = box.querySelector('.mend');
  wrong.textContent = words(error);
  wrong.hidden = false;
};

for (const box of supported ? document.querySelectorAll('[data-passkey]') : []) {
  const button = box.querySelector('button');
  box.hidden = false;
  button.addEventListener('click', async () => {
    waiting?.abort('pressed'); // a browser asks for one passkey at a time
    box.querySelector('.mend').hidden = true;
    button.disabled = true;
    try {
      const { to } = await ways[box.dataset.passkey](box);
      location.assign(box.dataset.root + to);
    } catch (error) {
      button.disabled = false;
      fail(box, error);
      button.focus();
    }
  });
  if (box.dataset.passkey === 'sign-in') offer(box);
}
