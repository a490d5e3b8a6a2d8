import { origins } from 'volenti:notice';
import { guard, page } from './page';

/** What a page of another of the notice's origins handed over, and that origin. */
export type Handed = readonly [token: string, from: string];

/**
 * Takes a hand-over out of this page's address, before anybody else has seen it. Undefined unless the visitor comes from
 * another of the notice's origins: a stranger's link hands nothing over (docs/age-and-domains.md).
 */
export const take = (): Handed | undefined => {
  const [, fragment, token] = /^(.*?)[#&]volenti=([\w.~-]+)$/.exec(location.hash) ?? [];
  if (!token) return undefined;
  guard(() => history.replaceState(history.state, '', location.origin + location.pathname + location.search + fragment))();
  const from = origins.find((origin) => origin !== location.origin && (page.referrer + '/').startsWith(origin + '/'));
  return from ? [token, from] : undefined;
};
