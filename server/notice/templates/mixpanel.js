(id, load, w) => {
  const mixpanel = (w.mixpanel = w.mixpanel || []);
  const methods = 'disable time_event track track_pageview track_links track_forms register register_once alias unregister identify name_tag set_config reset opt_in_tracking opt_out_tracking has_opted_in_tracking has_opted_out_tracking clear_opt_in_out_tracking';
  if (mixpanel.__SV) return;
  mixpanel._i = [];
  mixpanel.people = mixpanel.people || [];
  for (const name of methods.split(' ')) mixpanel[name] = function () { mixpanel.push([name].concat([].slice.call(arguments))); };
  mixpanel.__SV = 1.2;
  mixpanel._i.push([id, { track_pageview: true }, 'mixpanel']);
  load('https://cdn.mxpnl.com/libs/mixpanel-2-latest.min.js');
}
