import { granted, list, type Adapter } from '../gate/adapter';

// Matomo: https://developer.matomo.org/guides/tracking-consent
/** How many commands waited when it was refused; NaN if its script was there already. */
let refused: number | undefined;

export const start: Adapter['start'] = (defaults) => {
  if (!granted(defaults, VOLENTI.at.matomo)) list('_paq').push(['requireConsent']);
};

/**
 * Matomo keeps hits while consent is required and sends them all once it is given, those made after a refusal too
 * (matomo-org/matomo issue 17183). Those that still wait are taken out of its list; from its script nothing can be taken,
 * so a page in which that was refused stays without, and the next one is told anew.
 */
export const change: Adapter['change'] = (now) => {
  const paq = list('_paq');
  const waiting = Array.isArray(paq) ? paq.length : NaN;
  if (!granted(now, VOLENTI.at.matomo)) {
    refused ??= waiting;
    paq.push(['forgetConsentGiven']);
  } else if (refused === undefined || refused <= waiting) {
    if (refused !== undefined) paq.splice(refused);
    refused = undefined;
    paq.push(['setConsentGiven']);
  }
};
