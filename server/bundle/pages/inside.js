'use strict';
{
  const { script, modules, boot, signals, site, changes, categories, vendors, second } = JSON.parse(document.getElementById('evidence').textContent);
  // What the reader's own browser says of itself is no part of what was shown.
  const say = (name, value) => Object.defineProperty(Navigator.prototype, name, { configurable: true, get: () => value });
  say('globalPrivacyControl', signals.gpc);
  say('doNotTrack', signals.dnt ? '1' : null);
  // Nothing is asked of anybody. The policy of this page forbids it as well; so it is not even tried.
  window.fetch = (address) =>
    changes && /\/v1\/sites\/[^/]+\/changes\?/.test(address)
      ? Promise.resolve(new Response(JSON.stringify({ changes }), { headers: { 'content-type': 'application/json' } }))
      : Promise.reject(new TypeError('this is a replay: nothing is sent'));
  const called = { ...boot };
  if (changes?.length) {
    // A note is for somebody who has decided: what, it does not depend on.
    called.c = categories.replace(/-/g, '0') + '.' + '-'.repeat(vendors);
    called.a = Math.floor(changes[changes.length - 1].from / 1000) - 1;
    called.u = Math.floor(Date.now() / 1000) + 86400;
  }
  const kind = { type: 'text/javascript' };
  // The archived bytes, unchanged, and behind them the call, as the server puts it there. The script takes what stands
  // before "/b/" in its own address for the server's: the part of a blob's address behind "#" is for nobody but it.
  // What it fetches from there is mapped to what stands in this page.
  const server = URL.createObjectURL(new Blob([script, '(' + JSON.stringify(called) + ');\n'], kind)) + '#';
  const imports = {};
  for (const [digest, source] of Object.entries(modules)) {
    const data = 'data:text/javascript;charset=utf-8,' + encodeURIComponent(source);
    for (const behind of ['', '?0', '?1', '?2']) imports[`${server}/b/${site}/${digest.slice(0, 16)}.js${behind}`] = data;
  }
  const map = document.createElement('script');
  map.type = 'importmap';
  map.textContent = JSON.stringify({ imports });
  document.head.append(map);
  const first = document.createElement('script');
  first.src = `${server}/b/${site}.js?fresh=1`;
  document.head.append(first);
  if (second) {
    const open = () => {
      const button = document.querySelector('[data-volenti=settings]');
      if (button) button.click();
      return !!button;
    };
    new MutationObserver((_, watch) => open() && watch.disconnect()).observe(document, { childList: true, subtree: true });
  }
}
