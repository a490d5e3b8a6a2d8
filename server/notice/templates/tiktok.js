(id, load, w) => {
  const ttq = (w.ttq = w.ttq || []);
  const defer = (on, name) => { on[name] = function () { on.push([name].concat([].slice.call(arguments))); }; };
  w.TiktokAnalyticsObject = 'ttq';
  if (!ttq.methods) {
    ttq.methods = ['page', 'track', 'identify', 'instances', 'debug', 'on', 'off', 'once', 'ready', 'alias', 'group', 'enableCookie', 'disableCookie', 'holdConsent', 'revokeConsent', 'grantConsent'];
    ttq.setAndDefer = defer;
    ttq.methods.forEach((name) => defer(ttq, name));
    ttq.instance = (of) => {
      const own = (ttq._i && ttq._i[of]) || [];
      ttq.methods.forEach((name) => defer(own, name));
      return own;
    };
  }
  const src = 'https://analytics.tiktok.com/i18n/pixel/events.js';
  ttq._i = ttq._i || {};
  ttq._i[id] = Object.assign([], { _u: src });
  ttq._t = Object.assign(ttq._t || {}, { [id]: Date.now() });
  ttq._o = Object.assign(ttq._o || {}, { [id]: {} });
  load(src + '?sdkid=' + id + '&lib=ttq');
  ttq.page();
}
