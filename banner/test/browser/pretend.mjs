// Pretend vendors for the adapters' contract. Each `tag` is what a site pastes: base code in the vendor's published shape,
// then a library that comes later, takes up what was queued, and heeds what it is told as the vendor documents. What a
// library hears goes to `heard`, in order; what it would send goes to `sent`. These functions run in the page.

/** The vendor keeps what it may not send (hold), drops it (drop), or sends less (less). */
export const vendors = {
  gtag: {
    category: 'analytics',
    key: 'ga4',
    while: 'drop',
    tag() {
      window.dataLayer = window.dataLayer || [];
      window.gtag = function () {
        dataLayer.push(arguments);
      };
      gtag('config', 'G-TEST');
      setTimeout(() => {
        const state = {};
        const take = (entry) => {
          if (Object.prototype.toString.call(entry) !== '[object Arguments]') return;
          const [command, what, value] = entry;
          if (command === 'consent') heard.push([what, value.analytics_storage]), (state.granted = value.analytics_storage !== 'denied');
          // What is denied is sent without cookies; only the switch stops it.
          if (command === 'config' || command === 'event') if (!window['ga-disable-G-TEST']) sent.push(what + (state.granted ? '' : ' cookieless'));
        };
        dataLayer.forEach(take);
        const push = dataLayer.push;
        dataLayer.push = (...entries) => (entries.forEach(take), push.apply(dataLayer, entries));
      });
    },
    hit: () => gtag('event', 'hit'),
    denied: ['default', 'denied'],
    granted: ['update', 'granted'],
    revoked: ['update', 'denied'],
    first: 'G-TEST',
  },
  gtm: {
    category: 'analytics',
    key: 'google-tag-manager',
    while: 'none', // a container is told; what it fires is for its own checks
    tag() {
      window.dataLayer = window.dataLayer || [];
      dataLayer.push({ event: 'gtm.js' });
      setTimeout(() => {
        const take = (entry) => {
          if (entry.volenti) heard.push([entry.event, entry.volenti.categories.analytics, entry.volenti.vendors['google-tag-manager'], entry.volenti.categories.necessary]);
          if (entry.event === 'gtm.js') sent.push('gtm.js');
        };
        dataLayer.forEach(take);
        const push = dataLayer.push;
        dataLayer.push = (...entries) => (entries.forEach(take), push.apply(dataLayer, entries));
      });
    },
    denied: ['volenti_default', false, false, true],
    granted: ['volenti_update', true, true, true],
    revoked: ['volenti_update', false, false, true],
    first: 'gtm.js',
  },
  uet: {
    category: 'marketing',
    while: 'less',
    tag() {
      window.uetq = window.uetq || [];
      setTimeout(() => {
        let storage = 'granted';
        const take = (...items) => {
          if (items[0] === 'consent') heard.push(items.slice(1, 3)), (storage = items[2].ad_storage);
          else sent.push(items[0] + (storage === 'granted' ? '' : ' asc=D'));
        };
        const waiting = uetq;
        window.uetq = { push: take };
        while (waiting.length) take(...waiting.splice(0, waiting[0] === 'consent' ? 3 : 1));
        uetq.push('pageLoad');
      });
    },
    hit: () => uetq.push('hit'),
    denied: ['default', { ad_storage: 'denied' }],
    granted: ['update', { ad_storage: 'granted' }],
    revoked: ['update', { ad_storage: 'denied' }],
    first: 'pageLoad',
    less: 'hit asc=D',
  },
  clarity: {
    category: 'analytics',
    while: 'less',
    tag() {
      window.clarity =
        window.clarity ||
        function () {
          (clarity.q = clarity.q || []).push(arguments);
        };
      setTimeout(() => {
        let storage = 'granted';
        const take = (command, value) => {
          if (command === 'consentv2') heard.push(value), (storage = value.analytics_Storage);
          else sent.push(command + (storage === 'granted' ? '' : ' cookieless'));
        };
        const waiting = clarity.q || [];
        window.clarity = take;
        for (const call of waiting) take(...call);
        take('upload');
      });
    },
    hit: () => clarity('hit'),
    denied: { ad_Storage: 'denied', analytics_Storage: 'denied' },
    granted: { ad_Storage: 'granted', analytics_Storage: 'granted' },
    revoked: { ad_Storage: 'denied', analytics_Storage: 'denied' },
    first: 'upload',
    less: 'hit cookieless',
  },
  meta: {
    category: 'marketing',
    while: 'hold',
    tag() {
      // Where the name is taken the vendor's base code loads nothing.
      if (window.fbq) return;
      const n = (window.fbq = function () {
        n.callMethod ? n.callMethod.apply(n, arguments) : n.queue.push(arguments);
      });
      n.push = n;
      n.loaded = true;
      n.version = '2.0';
      n.queue = [];
      fbq('init', '1');
      fbq('track', 'PageView');
      setTimeout(() => {
        let revoked = false;
        let initialized = false;
        const held = [];
        n.callMethod = (command, value, ...more) => {
          if (command === 'init') initialized = true;
          if (command === 'dataProcessingOptions') heard.push([command, value.join(), ...more]);
          if (command === 'consent') {
            heard.push([command, value, initialized]);
            revoked = value === 'revoke';
            if (!revoked) sent.push(...held.splice(0));
          }
          if (command === 'track') (revoked ? held : sent).push(value);
        };
        while (n.queue.length) n.callMethod(...n.queue.shift());
      });
    },
    hit: () => fbq('track', 'hit'),
    denied: [['dataProcessingOptions', 'LDU', 0, 0], ['consent', 'revoke', false]],
    granted: [['dataProcessingOptions', ''], ['consent', 'grant', false]],
    revoked: [['dataProcessingOptions', 'LDU', 0, 0], ['consent', 'revoke', true]],
    several: true,
    ahead: true,
    first: 'PageView',
  },
  tiktok: {
    category: 'marketing',
    while: 'hold',
    tag() {
      const ttq = (window.ttq = window.ttq || []);
      ttq.methods = ['page', 'track', 'holdConsent', 'revokeConsent', 'grantConsent'];
      ttq.setAndDefer = (on, name) => {
        on[name] = function () {
          on.push([name].concat(Array.prototype.slice.call(arguments, 0)));
        };
      };
      for (const name of ttq.methods) ttq.setAndDefer(ttq, name);
      ttq.page();
      setTimeout(() => {
        let may = true;
        const held = [];
        const take = (name, ...args) => {
          if (name.endsWith('Consent')) {
            heard.push(name);
            may = name === 'grantConsent';
            if (may) sent.push(...held.splice(0));
          } else if (name !== 'on') (may ? sent : held).push(args[0] ?? name);
        };
        for (const name of ttq.methods) ttq[name] = (...args) => take(name, ...args);
        for (const command of ttq.splice(0)) take(...command);
      });
    },
    hit: () => ttq.track('hit'),
    denied: 'holdConsent',
    granted: 'grantConsent',
    revoked: 'revokeConsent',
    quiet: true, // where tags run until objected it is told nothing
    first: 'page',
  },
  pinterest: {
    category: 'marketing',
    while: 'drop',
    tag() {
      if (window.pintrk) return;
      window.pintrk = function () {
        pintrk.queue.push(Array.prototype.slice.call(arguments));
      };
      pintrk.queue = [];
      pintrk.version = '3.0';
      pintrk('load', '1');
      pintrk('page');
      setTimeout(() => {
        let may = true;
        const take = (command, value) => {
          if (command === 'setconsent') heard.push(value), (may = value);
          else if (command !== 'load' && may) sent.push(value ?? command);
        };
        const { queue } = pintrk;
        window.pintrk = take;
        for (const call of queue) take(...call);
      });
    },
    hit: () => pintrk('track', 'hit'),
    denied: false,
    granted: true,
    revoked: false,
    ahead: true,
    first: 'page',
  },
  reddit: {
    category: 'marketing',
    while: 'less',
    tag() {
      if (window.rdt) return;
      const p = (window.rdt = function () {
        p.sendEvent ? p.sendEvent.apply(p, arguments) : p.callQueue.push(arguments);
      });
      p.callQueue = [];
      rdt('init', 't2_1');
      rdt('track', 'PageVisit');
      setTimeout(() => {
        let cookies = true;
        p.sendEvent = (command, value) => {
          if (command.endsWith('FirstPartyCookies')) heard.push(command), (cookies = command.startsWith('enable'));
          else if (command === 'track') sent.push(value + (cookies ? '' : ' cookieless'));
        };
        while (p.callQueue.length) p.sendEvent(...p.callQueue.shift());
      });
    },
    hit: () => rdt('track', 'hit'),
    denied: 'disableFirstPartyCookies',
    granted: 'enableFirstPartyCookies',
    revoked: 'disableFirstPartyCookies',
    ahead: true,
    first: 'PageVisit',
    less: 'hit cookieless',
  },
  matomo: {
    category: 'analytics',
    while: 'hold',
    tag() {
      const paq = (window._paq = window._paq || []);
      paq.push(['trackPageView']);
      setTimeout(() => {
        // As matomo.js does: what may not be sent waits, whatever was said, and goes out with consent.
        let has = true;
        const held = [];
        const take = ([name, value]) => {
          if (name.startsWith('track')) (has ? sent : held).push(value ?? name);
          else heard.push(name);
          if (name === 'requireConsent' || name === 'forgetConsentGiven') has = false;
          if (name === 'setConsentGiven') (has = true), sent.push(...held.splice(0));
        };
        const waiting = window._paq;
        window._paq = { push: (...commands) => commands.forEach(take) };
        // Some commands are applied first, wherever they stand.
        waiting.filter((c) => c[0] === 'requireConsent').forEach(take);
        waiting.filter((c) => c[0] !== 'requireConsent').forEach(take);
      });
    },
    hit: () => _paq.push(['trackEvent', 'hit']),
    denied: 'requireConsent',
    granted: 'setConsentGiven',
    revoked: 'forgetConsentGiven',
    quiet: true,
    first: 'trackPageView',
  },
  hubspot: {
    category: 'marketing',
    while: 'none', // it is told which cookies it may set
    tag() {
      window._hsp = window._hsp || [];
      setTimeout(() => {
        const take = ([name, value]) => heard.push([name, ...(value ? [value.analytics, value.advertisement, value.functionality] : [])]);
        const waiting = _hsp;
        window._hsp = { push: (...commands) => commands.forEach(take) };
        waiting.forEach(take);
        sent.push('script');
      });
    },
    denied: ['setHubSpotConsent', false, false, false],
    granted: ['setHubSpotConsent', true, true, true],
    revoked: [['revokeCookieConsent'], ['setHubSpotConsent', false, false, false]],
    several: 'revoked',
    first: 'script',
  },
  segment: {
    category: 'analytics',
    while: 'drop',
    tag() {
      const analytics = (window.analytics = window.analytics || []);
      if (analytics.invoked) return;
      analytics.invoked = true;
      for (const name of ['page', 'track', 'addSourceMiddleware'])
        analytics[name] = function () {
          analytics.push([name].concat(Array.prototype.slice.call(arguments)));
        };
      analytics.page();
      setTimeout(() => {
        const middlewares = [];
        const take = (name, value) => {
          if (name === 'addSourceMiddleware') return heard.push(name), void middlewares.push(value);
          let passed = 0;
          for (const f of middlewares) f({ payload: {}, next: () => passed++, integrations: {} });
          if (passed === middlewares.length) sent.push(value ?? name);
        };
        const waiting = [...window.analytics];
        window.analytics = { initialized: true };
        for (const name of ['page', 'track', 'addSourceMiddleware']) window.analytics[name] = (...args) => take(name, ...args);
        for (const c of waiting.filter((c) => c[0] === 'addSourceMiddleware')) take(...c);
        for (const c of waiting.filter((c) => c[0] !== 'addSourceMiddleware')) take(...c);
      });
    },
    hit: () => analytics.track('hit'),
    granted: 'addSourceMiddleware',
    once: true, // one middleware asks what is in force
    first: 'page',
  },
  mixpanel: {
    category: 'analytics',
    while: 'drop',
    tag() {
      const mixpanel = (window.mixpanel = window.mixpanel || []);
      if (mixpanel.__SV) return;
      mixpanel._i = [];
      for (const name of ['track', 'opt_in_tracking', 'opt_out_tracking'])
        mixpanel[name] = function () {
          mixpanel.push([name].concat(Array.prototype.slice.call(arguments, 0)));
        };
      mixpanel.__SV = 1.2;
      mixpanel.track('page');
      setTimeout(() => {
        let may = true;
        const take = ([name, value]) => {
          if (name === 'track') return may && sent.push(value);
          heard.push(name);
          may = name === 'opt_in_tracking';
          // The library tells the vendor of an opt-in, unless it is given another way to.
          if (may) (value?.track ?? ((event) => sent.push(event)))('$opt_in');
        };
        const waiting = [...window.mixpanel];
        window.mixpanel = { push: take };
        for (const name of ['track', 'opt_in_tracking', 'opt_out_tracking']) window.mixpanel[name] = (...args) => take([name, ...args]);
        waiting.forEach(take);
      });
    },
    hit: () => mixpanel.track('hit'),
    granted: 'opt_in_tracking',
    revoked: 'opt_out_tracking',
    first: 'page',
  },
  posthog: {
    category: 'analytics',
    while: 'drop',
    tag() {
      const posthog = (window.posthog = window.posthog || []);
      if (posthog.__SV) return;
      posthog._i = [];
      for (const name of ['capture', 'opt_in_capturing', 'opt_out_capturing'])
        posthog[name] = function () {
          posthog.push([name].concat(Array.prototype.slice.call(arguments, 0)));
        };
      posthog.__SV = 1;
      posthog.capture('$pageview');
      setTimeout(() => {
        let may = true;
        const take = ([name, value]) => {
          if (name === 'capture') return may && sent.push(value);
          heard.push(name);
          may = name === 'opt_in_capturing';
          if (may && value?.captureEventName !== false) sent.push('$opt_in');
        };
        const waiting = [...window.posthog];
        window.posthog = { push: take };
        for (const name of ['capture', 'opt_in_capturing', 'opt_out_capturing']) window.posthog[name] = (...args) => take([name, ...args]);
        // Captures come after everything else that was queued.
        waiting.filter((c) => c[0] !== 'capture').forEach(take);
        waiting.filter((c) => c[0] === 'capture').forEach(take);
      });
    },
    hit: () => posthog.capture('hit'),
    granted: 'opt_in_capturing',
    revoked: 'opt_out_capturing',
    first: '$pageview',
  },
  plausible: {
    category: 'analytics',
    while: 'drop',
    tag() {
      window.plausible = (name) => {
        if (localStorage.plausible_ignore !== 'true') sent.push(name);
      };
      setTimeout(() => plausible('pageview'));
    },
    hit: () => plausible('hit'),
    first: 'pageview',
  },
  adobe: {
    category: 'analytics',
    while: 'hold',
    tag() {
      window.__alloyNS = window.__alloyNS || [];
      __alloyNS.push('alloy');
      window.alloy = function () {
        const u = arguments;
        return new Promise((i, l) => alloy.q.push([i, l, u]));
      };
      alloy.q = [];
      // The page configures in a script of its own.
      setTimeout(() => {
        alloy('configure', { defaultConsent: location.search.includes('ooo') ? 'in' : 'pending' });
        alloy('sendEvent', 'page');
      });
      setTimeout(() => {
        let configured = false;
        let may;
        const held = [];
        const run = (command, value) => {
          if (command === 'configure') return void ((configured = true), (may = value.defaultConsent === 'in' || undefined));
          if (!configured) throw new Error('The library must be configured first.');
          if (command === 'setConsent') {
            heard.push([value.consent[0].standard, value.consent[0].version, value.consent[0].value.collect.val]);
            may = value.consent[0].value.collect.val === 'y';
            held.splice(0).forEach((event) => may && sent.push(event));
          } else if (may === undefined) held.push(value);
          else if (may) sent.push(value);
        };
        const take = ([done, fail, args]) => {
          try {
            done(run(...args));
          } catch (e) {
            fail(e);
          }
        };
        // The stub stays; what it queues is run from now on.
        alloy.q.push = take;
        alloy.q.forEach(take);
      }, 30);
    },
    hit: () => alloy('sendEvent', 'hit'),
    granted: ['Adobe', '2.0', 'y'],
    revoked: ['Adobe', '2.0', 'n'],
    first: 'page',
  },
};
