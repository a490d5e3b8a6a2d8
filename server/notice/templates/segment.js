(id, load, w) => {
  const analytics = (w.analytics = w.analytics || []);
  if (analytics.initialize || analytics.invoked) return;
  analytics.invoked = true;
  analytics.methods = 'trackSubmit trackClick trackLink trackForm pageview identify reset group track ready alias debug page screen once off on addSourceMiddleware addIntegrationMiddleware setAnonymousId addDestinationMiddleware register'.split(' ');
  analytics.factory = (name) => function () {
    if (w.analytics.initialized) return w.analytics[name].apply(w.analytics, arguments);
    analytics.push([name].concat([].slice.call(arguments)));
    return analytics;
  };
  for (const name of analytics.methods) analytics[name] = analytics.factory(name);
  analytics._writeKey = id;
  analytics.SNIPPET_VERSION = '5.2.0';
  load('https://cdn.segment.com/analytics.js/v1/' + id + '/analytics.min.js');
  analytics.page();
}
