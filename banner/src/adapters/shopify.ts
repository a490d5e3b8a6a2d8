import { granted, parsed, type Adapter } from '../gate/adapter';

interface Shop {
  readonly customerPrivacy?: { setTrackingConsent?(consent: object, done: () => void): void };
  loadFeatures?(features: readonly object[], done: (error: unknown) => void): void;
}

/** Before a decision the shop's own settings count. */
export const start: Adapter['start'] = () => {};

/**
 * Shopify: https://shopify.dev/docs/api/customer-privacy. The shop's own platform brings that interface along when it is
 * asked to, which is done only when there is a decision to tell.
 */
export const change: Adapter['change'] = (now) => {
  const ads = granted(now, VOLENTI.at.marketing);
  const consent = { preferences: granted(now, VOLENTI.at.preferences), analytics: granted(now, VOLENTI.at.analytics), marketing: ads, sale_of_data: ads };
  parsed(() => {
    const shop = (window as { Shopify?: Shop }).Shopify;
    shop?.loadFeatures?.([{ name: 'consent-tracking-api', version: '0.1' }], (error) => error || shop.customerPrivacy?.setTrackingConsent?.(consent, () => {}));
  });
};
