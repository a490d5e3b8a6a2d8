// id: the project's key, and where it is kept unless that is the US cloud: "phc_…@eu".
(id, load, w) => {
  const [key, where = 'us'] = id.split('@');
  const posthog = (w.posthog = w.posthog || []);
  const methods = 'capture identify alias register register_once unregister group reset set_config opt_in_capturing opt_out_capturing has_opted_in_capturing has_opted_out_capturing onFeatureFlags getFeatureFlag isFeatureEnabled reloadFeatureFlags startSessionRecording stopSessionRecording';
  if (!posthog.__SV) {
    posthog._i = [];
    posthog.people = posthog.people || [];
    for (const name of methods.split(' ')) posthog[name] = function () { posthog.push([name].concat([].slice.call(arguments))); };
    posthog.__SV = 1;
  }
  const host = 'https://' + where + '.i.posthog.com';
  posthog._i.push([key, { api_host: host, person_profiles: 'identified_only' }, 'posthog']);
  load(host.replace('.i.', '-assets.i.') + '/static/array.js');
}
