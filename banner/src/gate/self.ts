import { page } from './page';
import type { Trust } from './trust';

/** What the script knows of itself. */
export interface Self {
  /** Its address, without our own `fresh`. */
  readonly src: string;
  /** It was asked for just now: its answer is no cached one. */
  readonly fresh: boolean;
  /** Address of the server, no final slash. */
  readonly base: string;
  readonly nonce: string;
  /** Loads the script anew, with all its parts. */
  reload(trust: Trust): void;
}

/**
 * Finds the script's own element. The getter of the document's class can't be clobbered, and what it returns is the
 * element that runs, so nothing that stands in the page can pose as our configuration.
 */
export const findSelf = (): Self => {
  const own = page.currentScript as HTMLScriptElement;
  const src = own.src.replace(/.fresh=\d+$/, '');
  const { origin, pathname } = new URL(src);
  const nonce = own.nonce || '';
  return {
    src,
    fresh: src !== own.src,
    base: origin + pathname.slice(0, pathname.lastIndexOf('/b/')),
    nonce,
    reload(trust) {
      const script = page.createElement('script');
      script.src = trust.createScriptURL(`${src}${src.includes('?') ? '&' : '?'}fresh=${Date.now()}`);
      script.nonce = nonce;
      script.crossOrigin = own.crossOrigin;
      page.documentElement.append(script);
    },
  };
};
