import { granted, when, type Adapter } from '../gate/adapter';

// Adobe Experience Platform Web SDK: https://experienceleague.adobe.com/en/docs/experience-platform/web-sdk/commands/setconsent
let last: unknown;

/** What is told is sent to Adobe, so before a decision `defaultConsent` counts, which the page's `configure` sets. */
export const start: Adapter['start'] = () => {};

/** A command that comes before `configure` is refused, so it is given once more then. */
export const change: Adapter['change'] = (now) => {
  const told = (last = { consent: [{ standard: 'Adobe', version: '2.0', value: { collect: { val: granted(now, VOLENTI.at.adobe) ? 'y' : 'n' } } }] });
  when('alloy', (alloy) => {
    const tell = async (): Promise<unknown> => told === last && alloy('setConsent', told);
    tell().catch(tell).catch(() => {});
  });
};
