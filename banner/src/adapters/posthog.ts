import { call, granted, type Adapter } from '../gate/adapter';

// PostHog: https://posthog.com/docs/privacy/data-collection
/** Nobody is opted out by default, for the same reason as with Mixpanel. */
export const start: Adapter['start'] = () => {};

/** No event "$opt_in" is sent. */
export const change: Adapter['change'] = (now) =>
  granted(now, VOLENTI.at.posthog) ? call('posthog', 'opt_in_capturing', { captureEventName: false }) : call('posthog', 'opt_out_capturing');
