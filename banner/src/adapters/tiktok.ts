import { call, granted, type Adapter } from '../gate/adapter';

/** TikTok Pixel, by the methods of its base code. Held, it keeps its events. */
export const start: Adapter['start'] = (defaults) => {
  if (!granted(defaults, VOLENTI.at.tiktok)) call('ttq', 'holdConsent');
};
export const change: Adapter['change'] = (now) => call('ttq', granted(now, VOLENTI.at.tiktok) ? 'grantConsent' : 'revokeConsent');
