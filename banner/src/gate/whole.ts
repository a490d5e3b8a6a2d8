import { fetchGate, type GateModule } from './core';
import type { Head } from './head';
import { page } from './page';

/** Fetches the gate, and tries again a few times: without it nothing that was granted loads. */
export const insist = async (head: Head, tries = 0): Promise<GateModule> => {
  try {
    return await fetchGate(head, tries);
  } catch (e) {
    if (tries > 2) throw e;
    await new Promise((done) => setTimeout(done, 2e3 << (2 * tries)));
    return insist(head, tries + 1);
  }
};

/** Loads the script anew. */
export const reload = ({ src, nonce, trust }: Head): void => {
  const script = page.createElement('script');
  script.src = trust.createScriptURL(`${src}${src.includes('?') ? '&' : '?'}fresh=${Date.now()}`);
  script.nonce = nonce;
  page.documentElement.append(script);
};
