import { call, granted, type Adapter } from '../gate/adapter';

// Mixpanel: https://docs.mixpanel.com/docs/privacy/opt-out-of-tracking
/** Opting out clears what it keeps, so nobody is opted out by default: a visitor who agreed would be a new one on every page. */
export const start: Adapter['start'] = () => {};

/** `track` keeps the event "$opt_in" back. */
export const change: Adapter['change'] = (now) =>
  granted(now, VOLENTI.at.mixpanel) ? call('mixpanel', 'opt_in_tracking', { track() {} }) : call('mixpanel', 'opt_out_tracking');
