import { gateDigest, site } from 'volenti:notice';
import type { GateModule } from './core';
import type { Head } from './head';
import { page } from './page';
import { createTrust } from './trust';

/**
 * Fetches the gate, which is the same for all pages and visitors and stays in the browser's cache. Tries again a few
 * times; a browser remembers that a module failed, so another try has another address.
 */
export const fetchGate = async (head: Head, tries = 0): Promise<GateModule> => {
  try {
    return (await import(`${head.base}/b/${site}/${gateDigest}.js${tries ? '?' + tries : ''}`)) as GateModule;
  } catch (e) {
    if (tries > 2) throw e;
    await new Promise((done) => setTimeout(done, 2e3 << (2 * tries)));
    return fetchGate(head, tries + 1);
  }
};

/** Loads the script anew. */
export const reload = ({ src, nonce }: Head): void => {
  const script = page.createElement('script');
  script.src = createTrust().createScriptURL(`${src}${src.includes('?') ? '&' : '?'}fresh=${Date.now()}`);
  script.nonce = nonce;
  page.documentElement.append(script);
};
