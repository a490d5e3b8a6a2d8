import { ahead, granted, type Adapter } from '../gate/adapter';

// Meta Pixel: https://developers.facebook.com/docs/meta-pixel/implementation/gdpr, …/ccpa
/**
 * Revoked, the pixel keeps its events. Limited Data Use is what the laws of US states want besides, and 0, 0 lets Meta
 * find out which; it must come before `init`.
 */
export const start: Adapter['start'] = (now) => {
  const yes = granted(now, VOLENTI.at.meta);
  ahead('fbq', 'queue', ['dataProcessingOptions', ...(yes ? [[]] : [['LDU'], 0, 0])], ['consent', yes ? 'grant' : 'revoke']);
};
export const change = start;
