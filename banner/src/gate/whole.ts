import { fetchGate } from './core';
import type { Head } from './head';
import { page, warn } from './page';

/** Fetches the gate and starts it, and tries again a few times: without it nothing that was granted loads. */
export const begin = (head: Head, tries = 0): unknown =>
  fetchGate(head, tries)
    .then(
      (gate) => gate.start(head),
      (e) => {
        if (tries < 3) setTimeout(begin, 2e3 << (2 * tries), head, tries + 1);
        else throw e;
      },
    )
    .catch(warn);

/** Loads the script anew. */
export const reload = ({ src, nonce, trust }: Head): void => {
  const script = page.createElement('script');
  script.src = trust.createScriptURL(`${src}${src.includes('?') ? '&' : '?'}fresh=${Date.now()}`);
  script.nonce = nonce;
  page.documentElement.append(script);
};
