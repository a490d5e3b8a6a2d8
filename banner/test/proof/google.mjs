/**
 * Google's tag, as far as Consent Mode goes (developers.google.com/tag-platform/security/guides/consent): what
 * gtag('consent', …) says, and when a hit may go with what in it. Runs in pages and in Node, so it knows nothing but its
 * arguments.
 *
 * - Only `arguments` objects in the data layer are commands; arrays and plain objects are data for Tag Manager.
 * - Of defaults, the one for the smaller region counts, whatever the order; an update counts before every default.
 * - What nobody said anything about is granted.
 * - `wait_for_update`: hits wait that long for an update, and no longer.
 *
 * `send(type, name, params)` gets the hits; `now` and `later` are clock and timer.
 */
export const consentMode = ({ region, send, now = Date.now, later = setTimeout }) => {
  const types = ['ad_storage', 'analytics_storage', 'ad_user_data', 'ad_personalization'];
  const [country] = region.split('-');
  const defaults = {};
  const weights = {};
  const updates = {};
  let until = 0;
  let waiting = [];
  const begun = now();

  /** How much a region's default counts for this visitor; 0: not at all. */
  const weight = (regions) => (!regions ? 1 : regions.includes(region) && region !== country ? 3 : regions.includes(country) ? 2 : 0);
  const state = (type) => updates[type] ?? defaults[type];
  const granted = (type) => state(type) !== 'denied';
  const told = () => types.some((type) => state(type));

  const signals = () => {
    if (!told()) return '';
    // What was said of a type at first and later: l nothing, p denied, q denied twice, r granted after denied, t granted,
    // u denied after granted, v granted twice, m denied late, n granted late.
    const rows = { undefined: 'lmn', denied: 'pqr', granted: 'tuv' };
    const letter = (type) => rows[defaults[type]][{ undefined: 0, denied: 1, granted: 2 }[updates[type]]];
    return `&gcs=G1${+granted('ad_storage')}${+granted('analytics_storage')}&gcd=11${types.map(letter).join('1')}5`;
  };
  const flush = () => {
    const ready = waiting;
    waiting = [];
    for (const [type, ...hit] of ready) send(type, granted(type), signals(), ...hit);
  };
  const commands = {
    consent(kind, what) {
      if (kind === 'default') {
        const counts = weight(what.region);
        for (const type of types)
          if (what[type] && counts >= (weights[type] ?? 1) && counts) {
            defaults[type] = what[type];
            weights[type] = counts;
          }
        if (counts && what.wait_for_update) until = Math.max(until, begun + what.wait_for_update);
      }
      if (kind === 'update') {
        Object.assign(updates, what);
        until = 0;
        flush();
      }
    },
  };

  return {
    /** One entry of the data layer. */
    take(entry) {
      if (Object.prototype.toString.call(entry) !== '[object Arguments]') return;
      const [command, ...args] = entry;
      if (Object.hasOwn(commands, command)) commands[command](...args);
    },
    /** A hit that needs a type of consent to be sent in full. */
    hit(type, ...hit) {
      waiting.push([type, ...hit]);
      if (now() < until) later(flush, until - now());
      else flush();
    },
    granted,
  };
};
