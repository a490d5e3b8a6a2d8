import { call, granted, type Adapter } from '../gate/adapter';

// TikTok Pixel: https://business-api.tiktok.com/portal/docs?id=1739585600931842
/** Held, it keeps its events. */
export const start: Adapter['start'] = (defaults) => {
  if (!granted(defaults, VOLENTI.at.tiktok)) call('ttq', 'holdConsent');
};
export const change: Adapter['change'] = (now) => call('ttq', granted(now, VOLENTI.at.tiktok) ? 'grantConsent' : 'revokeConsent');
