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
  async 'sign-in'(box) {
    const options = await send(box, 'admin/sign-in/passkey/ask?to=' + encodeURIComponent(box.dataset.to));
    const key = await navigator.credentials.get({
      publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: listed(options.allowCredentials) },
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

for (const box of supported ? document.querySelectorAll('[data-passkey]') : []) {
  const button = box.querySelector('button');
  const wrong = box.querySelector('.mend');
  box.hidden = false;
  button.addEventListener('click', async () => {
    wrong.hidden = true;
    button.disabled = true;
    try {
      const { to } = await ways[box.dataset.passkey](box);
      location.assign(box.dataset.root + to);
    } catch (error) {
      button.disabled = false;
      wrong.textContent = words(error);
      wrong.hidden = false;
      button.focus();
    }
  });
}
