// The pretend vendors: what each one's script does once it runs, in the way it does it. They keep what such vendors keep
// in a browser, report by the means they report by, take up what the page's snippet queued, and heed what they are told.
//
// These functions run in the page. `tell(url, by)` reports; `keep(name)` sets a cookie; `hear(word)` writes down what was
// said to them; `load(url)` fetches their second script; `list(queue)` is what a stub queued; `beat(f)` calls f whenever something happens in the page that
// they measure.
import { consentMode } from './google.mjs';

/** What every script of theirs has. */
const prelude = ({ name, region }) => {
  const heard = ((window.heard ??= {})[name] ??= []);
  return {
    region,
    hear: (word) => heard.push(word),
    keep: (key) => (document.cookie = `${key}=1; path=/; max-age=9999; secure; samesite=lax`),
    // Nothing, where a library has taken the stub's place.
    list: (global) => (Array.isArray(global) ? [...global] : []),
    load: (src) => document.head.appendChild(Object.assign(document.createElement('script'), { src, async: true })),
    beat: (f) => document.addEventListener('beat', () => f()),
    // Counted, as all of them do: of two images with one address a browser asks for one.
    tell(to, by = 'image') {
      const url = `${to}${to.includes('?') ? '&' : '?'}n=${(window.count = (window.count ?? 0) + 1)}`;
      if (by === 'image') new Image().src = url;
      if (by === 'beacon') navigator.sendBeacon(url, 'x');
      if (by === 'fetch') fetch(url, { method: 'POST', body: 'x', mode: 'no-cors', keepalive: true }).catch(() => {});
      if (by === 'xhr') {
        const request = new XMLHttpRequest();
        request.open('POST', url);
        request.send('x');
      }
    },
  };
};

const google = ({ region, keep, tell, beat }) => {
  const id = new URL(document.currentScript.src).searchParams.get('id');
  const analytics = id.startsWith('G-');
  const mode = consentMode({
    region,
    send(type, full, signals, name) {
      if (full && analytics) keep('_ga'), keep('_ga_PROOF00001');
      if (full && !analytics) keep('_gcl_au');
      if (window['ga-disable-' + id]) return;
      if (analytics) tell(`https://www.google-analytics.com/g/collect?v=2&tid=${id}&en=${name}${signals}`, 'fetch');
      else tell(`https://googleads.g.doubleclick.net/pagead/viewthroughconversion/${id.slice(3)}/?en=${name}${signals}`);
    },
  });
  const take = (entry) => {
    mode.take(entry);
    const hits = { config: ['page_view'], event: [entry[1]] };
    if (hits[entry[0]] && Object.prototype.toString.call(entry) === '[object Arguments]' && (entry[0] !== 'config' || entry[1] === id)) mode.hit(analytics ? 'analytics_storage' : 'ad_storage', hits[entry[0]][0]);
  };
  // A library that is there already takes up another account, and is not two.
  dataLayer.forEach(take);
  const push = dataLayer.push;
  dataLayer.push = (...entries) => (entries.forEach(take), push.apply(dataLayer, entries));
  beat(() => gtag('event', 'beat'));
};

/** By the beginning of an address: name, and what runs. */
export const scripts = {
  'www.googletagmanager.com/gtag/js': ['gtag', google],
  'www.googletagmanager.com/gtm.js': [
    'gtm',
    ({ hear, tell, beat }) => {
      const take = (entry) => {
        if (entry.volenti) hear(entry.volenti.categories.analytics);
        if (entry.event === 'gtm.js') tell('https://www.googletagmanager.com/a?id=GTM-PROOF01&e=' + entry.event);
      };
      dataLayer.forEach(take);
      const push = dataLayer.push;
      dataLayer.push = (...entries) => (entries.forEach(take), push.apply(dataLayer, entries));
      beat(() => tell('https://www.googletagmanager.com/a?id=GTM-PROOF01&e=beat'));
    },
  ],
  'connect.facebook.net/en_US/fbevents.js': [
    'meta',
    ({ hear, keep, tell, beat }) => {
      let may = true;
      const held = [];
      const take = (command, what) => {
        if (command === 'consent') {
          hear(what);
          may = what === 'grant';
          if (may) held.splice(0).forEach(track);
        } else if (command === 'track') (may ? track : (event) => held.push(event))(what);
      };
      const track = (event) => (keep('_fbp'), tell('https://www.facebook.com/tr/?id=1234567890&ev=' + event));
      fbq.callMethod = take;
      for (const call of fbq.queue.splice(0)) take(...call);
      beat(() => fbq('track', 'beat'));
    },
  ],
  'snap.licdn.com/li.lms-analytics/insight.min.js': [
    'linkedin',
    ({ keep, tell, beat }) => {
      const collect = () => tell(`https://px.ads.linkedin.com/collect?v=2&pid=${_linkedin_data_partner_ids[0]}&fmt=js`);
      keep('li_fat_id');
      collect();
      beat(collect);
    },
  ],
  'analytics.tiktok.com/i18n/pixel/events.js': [
    'tiktok',
    ({ hear, keep, tell, beat }) => {
      let may = true;
      const held = [];
      const send = (event) => (keep('_ttp'), tell('https://analytics.tiktok.com/api/v2/pixel?event=' + event, 'beacon'));
      const take = (name, event) => {
        if (name.endsWith('Consent')) {
          hear(name);
          may = name === 'grantConsent';
          if (may) held.splice(0).forEach(send);
        } else (may ? send : (e) => held.push(e))(event ?? name);
      };
      for (const name of ttq.methods) ttq[name] = (...args) => take(name, ...args);
      for (const call of ttq.splice(0)) take(...call);
      beat(() => ttq.track('beat'));
    },
  ],
  's.pinimg.com/ct/core.js': ['pinterest core', ({ load }) => load('https://s.pinimg.com/ct/lib/main.proof.js')],
  's.pinimg.com/ct/lib/': [
    'pinterest',
    ({ hear, keep, tell, beat }) => {
      let may = true;
      const take = (command, what) => {
        if (command === 'setconsent') hear((may = what));
        else if (command !== 'load' && may) keep('_pin_unauth'), tell('https://ct.pinterest.com/v3/?event=' + (what ?? command));
      };
      const waiting = pintrk.queue;
      window.pintrk = take;
      for (const call of waiting) take(...call);
      beat(() => pintrk('track', 'beat'));
    },
  ],
  'www.redditstatic.com/ads/pixel.js': [
    'reddit',
    ({ hear, keep, tell, beat }) => {
      let cookies = true;
      rdt.sendEvent = (command, event) => {
        if (command.endsWith('FirstPartyCookies')) hear((cookies = command.startsWith('enable')));
        if (command !== 'track') return;
        if (cookies) keep('_rdt_uuid');
        tell('https://alb.reddit.com/rp.gif?event=' + event);
      };
      while (rdt.callQueue.length) rdt.sendEvent(...rdt.callQueue.shift());
      beat(() => rdt('track', 'beat'));
    },
  ],
  'sc-static.net/scevent.min.js': [
    'snap',
    ({ keep, tell, beat }) => {
      snaptr.handleRequest = (command, event) => command === 'track' && (keep('_scid'), tell('https://tr.snapchat.com/p?ev=' + event, 'fetch'));
      for (const call of snaptr.queue.splice(0)) snaptr.handleRequest(...call);
      beat(() => snaptr('track', 'beat'));
    },
  ],
  'static.ads-twitter.com/uwt.js': [
    'x',
    ({ keep, tell, beat }) => {
      const send = () => {
        keep('_twpid');
        const first = new Image();
        first.onload = () => tell('https://analytics.twitter.com/1/i/adsct?txn_id=o1abc');
        first.src = 'https://t.co/1/i/adsct?txn_id=o1abc&n=' + Math.random();
      };
      twq.exe = (command) => command !== 'set' && send();
      for (const call of twq.queue.splice(0)) twq.exe(...call);
      beat(() => twq('event', 'beat'));
    },
  ],
  'bat.bing.com/bat.js': [
    'uet',
    ({ hear, keep, tell, beat, list }) => {
      window.UET = function (options) {
        let storage = 'granted';
        this.push = (...items) => {
          if (items[0] === 'consent') return hear((storage = items[2].ad_storage));
          if (storage === 'granted') keep('_uetsid'), keep('_uetvid');
          tell(`https://bat.bing.com/action/0?ti=${options.ti}&evt=${items[0]}${storage === 'granted' ? '' : '&asc=D'}`);
        };
        const waiting = list(options.q);
        while (waiting.length) this.push(...waiting.splice(0, waiting[0] === 'consent' ? 3 : 1));
      };
      beat(() => uetq.push('beat'));
    },
  ],
  'www.clarity.ms/tag/': ['clarity tag', ({ load }) => load('https://www.clarity.ms/s/0.8/clarity.js')],
  'www.clarity.ms/s/': [
    'clarity',
    ({ hear, keep, tell, beat }) => {
      const take = (command, what) => {
        if (command === 'consentv2') hear(what.analytics_Storage);
      };
      const waiting = clarity.q ?? [];
      window.clarity = take;
      for (const call of waiting) take(...call);
      keep('_clck');
      tell('https://i.clarity.ms/collect', 'beacon');
      beat(() => tell('https://i.clarity.ms/collect', 'beacon'));
    },
  ],
  'static.hotjar.com/c/': ['hotjar', ({ load }) => load('https://script.hotjar.com/modules.proof.js')],
  'script.hotjar.com/': [
    'hotjar modules',
    ({ keep, tell, beat }) => {
      const send = () => tell(`https://vc.hotjar.io/sessions/${_hjSettings.hjid}?s=1`, 'xhr');
      keep('_hjSessionUser_1234567');
      sessionStorage.setItem('_hjRecordingLastActivity', '1');
      send();
      beat(send);
    },
  ],
  'js.hs-scripts.com/': ['hubspot loader', ({ load }) => document.getElementById('hs-script-loader') && load('https://js.hs-analytics.net/analytics/1/1234567.js')],
  'js.hs-analytics.net/': [
    'hubspot',
    ({ hear, keep, tell, beat, list }) => {
      const take = ([name, what]) => hear(what ? what.advertisement : name);
      const waiting = list(window._hsp);
      window._hsp = { push: (...commands) => commands.forEach(take) };
      waiting.forEach(take);
      keep('hubspotutk');
      tell('https://track.hubspot.com/__ptq.gif?k=1');
      beat(() => tell('https://track.hubspot.com/__ptq.gif?k=2'));
    },
  ],
  'cdn.matomo.cloud/': [
    'matomo',
    ({ hear, keep, tell, beat }) => {
      if (window.Matomo) return;
      window.Matomo = {};
      let may = true;
      let to;
      const held = [];
      const send = (name) => (keep('_pk_id.1.proof'), tell(`${to}?idsite=1&action=${name}`, 'beacon'));
      const take = ([name, what]) => {
        if (name === 'setTrackerUrl') to = what;
        if (/Consent/.test(name)) {
          hear(name);
          may = name === 'setConsentGiven';
          if (may) held.splice(0).forEach(send);
        }
        if (name.startsWith('track')) (may ? send : (n) => held.push(n))(name);
      };
      const waiting = _paq;
      window._paq = { push: (...commands) => commands.forEach(take) };
      // Some commands are applied first, wherever they stand.
      const early = (c) => /^(set|require)/.test(c[0]);
      waiting.filter(early).forEach(take);
      waiting.filter((c) => !early(c)).forEach(take);
      beat(() => _paq.push(['trackEvent']));
    },
  ],
  'plausible.io/js/': [
    'plausible',
    ({ hear, tell, beat }) => {
      const domain = document.currentScript.getAttribute('data-domain');
      const send = () => {
        const ignored = localStorage.plausible_ignore === 'true';
        hear(!ignored);
        if (!ignored) tell('https://plausible.io/api/event?d=' + domain, 'xhr');
      };
      send();
      beat(send);
    },
  ],
  'eu-assets.i.posthog.com/static/array.js': [
    'posthog',
    ({ hear, keep, tell, beat, list }) => {
      let may = true;
      const { api_host } = posthog._i[0][1];
      const take = (name) => {
        if (name.startsWith('opt_')) hear((may = name.startsWith('opt_in')));
        else if (may) tell(`${api_host}/e/?event=${name}`, 'fetch');
      };
      keep('ph_phc_proof_posthog');
      localStorage.setItem('ph_phc_proof_posthog', '1');
      const waiting = list(posthog);
      window.posthog = { __SV: 1, _i: posthog._i, init() {} };
      for (const name of ['capture', 'opt_in_capturing', 'opt_out_capturing']) window.posthog[name] = () => take(name);
      for (const [name] of waiting) take(name);
      take('pageview');
      beat(() => window.posthog.capture('beat'));
    },
  ],
  'cdn.segment.com/analytics.js/': [
    'segment',
    ({ hear, keep, tell, beat, list }) => {
      const through = [];
      const methods = {
        addSourceMiddleware: (f) => (hear('middleware'), through.push(f)),
        page() {
          let passed = 0;
          for (const f of through) f({ payload: {}, next: () => passed++, integrations: {} });
          if (passed === through.length) keep('ajs_anonymous_id'), localStorage.setItem('ajs_anonymous_id', '1'), tell('https://api.segment.io/v1/p', 'fetch');
        },
      };
      const waiting = list(analytics);
      window.analytics = { initialized: true, initialize: true, invoked: true, ...methods };
      const first = (c) => c[0] === 'addSourceMiddleware';
      for (const [name, ...args] of [...waiting.filter(first), ...waiting.filter((c) => !first(c))]) methods[name](...args);
      beat(() => analytics.page());
    },
  ],
  'cdn.mxpnl.com/': [
    'mixpanel',
    ({ hear, tell, beat, list }) => {
      let may = true;
      const take = (name) => {
        if (name.startsWith('opt_')) hear((may = name.startsWith('opt_in')));
        else if (may) localStorage.setItem('__mp_proof', '1'), tell('https://api-js.mixpanel.com/track/?event=' + name, 'xhr');
      };
      const waiting = list(mixpanel);
      window.mixpanel = { __SV: 1.2, init() {} };
      for (const name of ['track', 'opt_in_tracking', 'opt_out_tracking']) window.mixpanel[name] = () => take(name);
      for (const [name] of waiting) take(name);
      take('pageview');
      beat(() => window.mixpanel.track('beat'));
    },
  ],
  'dynamic.criteo.com/js/ld/': [
    'criteo',
    ({ keep, tell, beat, list }) => {
      const send = (...events) => events.some((e) => /^view/.test(e.event)) && (keep('cto_bundle'), tell('https://sslwidget.criteo.com/event?a=12345'));
      // Async: the page's queue may be filled before or after.
      const waiting = list(window.criteo_q);
      window.criteo_q = { push: send };
      send(...waiting);
      beat(() => criteo_q.push({ event: 'viewItem' }));
    },
  ],
  'widget.intercom.io/widget/': ['intercom', ({ load }) => load('https://js.intercomcdn.com/frame.proof.js')],
  'js.intercomcdn.com/': [
    'intercom frame',
    ({ keep, tell, beat }) => {
      const ping = () => tell(intercomSettings.api_base + '/messenger/web/ping', 'xhr');
      keep('intercom-id-proof123');
      ping();
      window.Intercom = () => {};
      beat(ping);
    },
  ],
  'player.vimeo.com/api/player.js': ['vimeo player', () => (window.Vimeo = { Player: function () {} })],
  'one.chain-proof.test/A.js': ['chain A', () => (window.steps = ['A'])],
  'two.chain-proof.test/C.js': ['chain C', () => steps.push('C')],
  'js.stripe.com/v3/': [
    'stripe',
    ({ beat }) => {
      const frame = () => document.documentElement.append(Object.assign(document.createElement('iframe'), { src: 'https://m.stripe.network/inner.html', hidden: true, title: 'Stripe' }));
      window.Stripe = () => void (document.body ? frame() : document.addEventListener('DOMContentLoaded', frame));
      beat(frame);
    },
  ],
  'www.google.com/recaptcha/api.js': [
    'recaptcha',
    ({ load, beat }) => {
      const ready = [];
      window.grecaptcha = {
        ready: (f) => ready.push(f),
        execute: () => fetch('https://www.google.com/recaptcha/api2/reload?k=proofsitekey', { method: 'POST', mode: 'no-cors' }),
      };
      load('https://www.gstatic.com/recaptcha/releases/proof/recaptcha__en.js').onload = () => ready.splice(0).forEach((f) => f());
      beat(() => grecaptcha.execute());
    },
  ],
  'www.gstatic.com/recaptcha/': ['recaptcha release', () => {}],
};

/** Documents, style sheets and fonts, by the beginning of an address. A frame reports from within. */
export const documents = {
  'www.youtube.com/embed/': ['text/html', `<!doctype html><title>Film</title><script>fetch('/youtubei/v1/log_event', { method: 'POST' })</script>`],
  'player.vimeo.com/video/': ['text/html', `<!doctype html><title>Film</title><script>fetch('https://fresnel.vimeocdn.com/add/player-stats?beacon=1', { method: 'POST', mode: 'no-cors' })</script>`],
  'www.google.com/maps/embed': ['text/html', `<!doctype html><title>Map</title><script>new Image().src = 'https://maps.googleapis.com/maps/api/mapsjs/gen_204?csp_test=true'</script>`],
  'www.googletagmanager.com/ns.html': ['text/html', '<!doctype html><title>Tags</title>'],
  'm.stripe.network/inner.html': ['text/html', '<!doctype html><title>Stripe</title>'],
  'fonts.googleapis.com/css2': ['text/css', `@font-face { font-family: Proof; font-display: swap; src: url(https://fonts.gstatic.com/s/proof/v1/proof.woff2) format('woff2') } body { font-family: Proof, sans-serif }`],
  'fonts.gstatic.com/': ['font/woff2', 'none'],
};

/** Those of the vendors' own hosts that set a cookie there. */
export const foreign = { 'www.facebook.com': 'fr', 'px.ads.linkedin.com': 'li_sugr', 'googleads.g.doubleclick.net': 'IDE', 'bat.bing.com/action': 'MUID', 'ct.pinterest.com': '_pinterest_ct', 'www.youtube.com': 'VISITOR_INFO1_LIVE' };

const begins = (table, address) => Object.entries(table).find(([start]) => address.startsWith(start))?.[1];

/** What a vendor answers at host/path?query: type, body, and the cookie it sets on its own host. */
export const answer = (address, region = 'DE') => {
  const script = begins(scripts, address);
  const cookie = begins(foreign, address);
  if (script) {
    const [name, run] = script;
    const text = run === google ? `const consentMode = ${consentMode};` : '';
    return { type: 'text/javascript', body: `(() => { ${text} (${run})((${prelude})(${JSON.stringify({ name, region })})); })();` };
  }
  const [type, body] = begins(documents, address) ?? ['image/gif', Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')];
  return { type, body, cookie };
};

/** What the vendors keep in the page's own browser, by vendor, as a notice declares it: kind, name. */
export const keeps = {
  ga4: [['cookie', '_ga'], ['cookie', '_ga_*']],
  'google-ads': [['cookie', '_gcl_*']],
  meta: [['cookie', '_fbp']],
  linkedin: [['cookie', 'li_fat_id']],
  tiktok: [['cookie', '_ttp']],
  pinterest: [['cookie', '_pin_unauth']],
  reddit: [['cookie', '_rdt_uuid']],
  snap: [['cookie', '_scid']],
  'x-ads': [['cookie', '_twpid']],
  uet: [['cookie', '_uetsid'], ['cookie', '_uetvid']],
  clarity: [['cookie', '_clck']],
  hotjar: [['cookie', '_hjSessionUser_*'], ['session', '_hjRecording*']],
  hubspot: [['cookie', 'hubspotutk']],
  matomo: [['cookie', '_pk_id*']],
  posthog: [['cookie', 'ph_*'], ['local', 'ph_*']],
  segment: [['cookie', 'ajs_anonymous_id'], ['local', 'ajs_anonymous_id']],
  mixpanel: [['local', '__mp_*']],
  criteo: [['cookie', 'cto_bundle']],
  intercom: [['cookie', 'intercom-id-*']],
};
