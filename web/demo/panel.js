// Shows what happens: which tags were held or fired, what was decided, what the data layer was told, the receipt.
// It reads the counts from the shop's own origin, so that watching is no request to a vendor.
const $ = (selector, from = document) => from.querySelector(selector);
const run = document.body.dataset.run;

const show = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

const state = () => (Array.isArray(window.volenti) ? undefined : window.volenti?.state);

let counts = {};
const rows = () => {
  const now = state();
  for (const row of document.querySelectorAll('[data-vendor]')) {
    const key = row.dataset.vendor;
    const hits = Object.values(counts[key] ?? {}).reduce((a, b) => a + b, 0);
    row.dataset.fired = hits > 0;
    let text = hits ? 'fired' : now?.vendors[key] ? 'allowed' : 'held';
    if (key === 'chain' && window.chain) text += ' ' + window.chain.join(' ');
    show($('[data-state]', row), text);
    show($('[data-count]', row), String(hits));
  }
};

const say = (value) => JSON.stringify(value, (_, v) => (v instanceof Date ? v.toISOString() : v));

let logged = 0;
const log = () => {
  const layer = window.dataLayer ?? [];
  if (layer.length === logged) return;
  logged = layer.length;
  $('[data-log]').replaceChildren(
    ...layer.map((entry) => {
      const li = document.createElement('li');
      li.textContent = typeof entry.length === 'number' ? Array.from(entry, say).join(' ') : say(entry);
      return li;
    }),
  );
};

const decision = async () => {
  const now = state();
  if (!now) return;
  const list = (of) => Object.keys(of).filter((key) => of[key]).join(', ') || 'nothing';
  show($('[data-decision]'), `${now.decided ? 'Decided' : 'None yet'}. Allowed now: ${list(now.categories)}.${now.signal ? ' A privacy signal is on.' : ''}`);
  const text = now.receipt && (await window.volenti.receipt());
  if (!text) return;
  const receipt = JSON.parse(text);
  const { region, law, state: kind } = receipt.core ?? {};
  show($('[data-receipt]'), JSON.stringify(receipt, undefined, 2));
  show($('[data-decision]'), `${$('[data-decision]').textContent} Recorded as “${kind}”, region ${region}, law ${law}.`);
};

const poll = async () => {
  if (document.visibilityState === 'visible') {
    try {
      counts = await (await fetch('/demo/counts?run=' + run)).json();
    } catch {
      // The server is down; the shop works all the same.
    }
    rows();
    log();
  }
  setTimeout(poll, 700);
};

for (const name of ['ready', 'decision', 'recorded']) {
  document.addEventListener('volenti:' + name, () => {
    rows();
    void decision();
  });
}
void poll();
void decision();

// The shop.
const basket = $('[data-basket] span');
const stock = (n) => {
  sessionStorage.setItem('basket', n);
  show(basket, String(n));
};
show(basket, sessionStorage.getItem('basket') ?? '0');
document.addEventListener('click', (e) => {
  if (e.target.closest('[data-buy]')) stock(Number(basket.textContent) + 1);
  if (e.target.closest('[data-forget]')) {
    localStorage.clear();
    sessionStorage.clear();
    for (const pair of document.cookie.split('; ')) document.cookie = pair.split('=')[0] + '=;path=/;max-age=0';
    // What the browser kept of the banner script belongs to the visitor who is forgotten.
    fetch($('script[src*="/b/"]').src, { cache: 'reload' }).finally(() => location.reload());
  }
});
for (const select of document.querySelectorAll('.panel select')) select.addEventListener('change', () => select.form.requestSubmit());
