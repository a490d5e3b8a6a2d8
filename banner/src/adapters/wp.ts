import { granted, parsed, type Adapter } from '../gate/adapter';

// WP Consent API, the plugin that other plugins of WordPress read: https://wordpress.org/plugins/wp-consent-api/
interface Blog {
  wp_consent_type?: 'optin' | 'optout';
  wp_set_consent?(category: string, value: 'allow' | 'deny'): void;
}

export const start: Adapter['start'] = (defaults) => {
  (window as Blog).wp_consent_type = granted(defaults, [...VOLENTI.at.analytics, ...VOLENTI.at.marketing]) ? 'optout' : 'optin';
  parsed(() => EventTarget.prototype.dispatchEvent.call(document, new CustomEvent('wp_consent_type_defined')));
};

export const change: Adapter['change'] = (now) => {
  const statistics = VOLENTI.at.analytics;
  const all = { functional: [], preferences: VOLENTI.at.preferences, statistics, 'statistics-anonymous': statistics, marketing: VOLENTI.at.marketing };
  parsed(() => {
    for (const [category, at] of Object.entries(all)) (window as Blog).wp_set_consent?.(category, granted(now, at) ? 'allow' : 'deny');
  });
};
