import { granted, list, type Adapter } from '../gate/adapter';

// HubSpot, its own banner switched off: https://developers.hubspot.com/docs/api/events/cookie-banner
export const start: Adapter['start'] = (now) => {
  const may = (at: readonly number[]): boolean => granted(now, VOLENTI.at.hubspot) && granted(now, at);
  const consent = { analytics: may(VOLENTI.at.analytics), advertisement: may(VOLENTI.at.marketing), functionality: may(VOLENTI.at.preferences) };
  list('_hsp').push(['setHubSpotConsent', consent]);
};

/** Revoking removes its cookies. */
export const change: Adapter['change'] = (now) => {
  if (!granted(now, VOLENTI.at.hubspot)) list('_hsp').push(['revokeCookieConsent']);
  start(now);
};
