import { adapters } from 'volenti:adapters';
import { none } from 'volenti:notice';
import { createBlock } from '../gate/block';
import { createHead, type Head } from '../gate/head';
import { guard, page, warn } from '../gate/page';
import type { Boot } from '../gate/types';

/** The first layers by surface (pin.go): each the function that bundle.go makes of entry/ask.ts. */
type Layers = Readonly<Record<string, (boot: Boot) => void>>;

/** Waits between tries, in milliseconds; after the last one, coming online tries again. */
const waits = [2e3, 1e4, 6e4];

// For a page that names its script by digest and checks it: these bytes are the same for everybody, so what is right for
// this visitor is fetched. Until it is here the strictest law holds: everything is denied, and what nobody marked is held.
guard(() => {
  const layers = boot as unknown as Layers;
  const { src } = page.currentScript as HTMLScriptElement;
  const [, base = '', digest] = /^(.*)\/b\/[\w-]+\/pinned\/(\w+)\.js/.exec(src) ?? [];
  const made = createHead({ t: '', m: '', n: 0 }, adapters);
  if (!made || !digest) return;
  // The boot is asked for just now, so it is no cached answer.
  const head: Head = { ...made, base, src: `${base}/b/${VOLENTI.site}.js?lang=${VOLENTI.language}`, fresh: true };
  if (VOLENTI.blocking) (head.block = createBlock(head)).update(none);

  let tries = 0;
  const ask = async (): Promise<void> => {
    try {
      const answer = await fetch(`${base}/v1/sites/${VOLENTI.site}/boot?pinned=${digest}${new URL(src).search.replace('?', '&')}`, { credentials: 'include' });
      if (!answer.ok) throw new Error(`no boot for ${src}: ${answer.status}`);
      const { v, ...told } = (await answer.json()) as Boot & { v: string };
      const layer = Object.keys(layers).includes(v) ? layers[v] : undefined;
      removeEventListener('online', ask);
      layer?.({ ...told, head } as Boot);
    } catch (e) {
      warn(e);
      if (tries < waits.length) setTimeout(ask, waits[tries++]);
    }
  };
  addEventListener('online', ask);
  void ask();
})();
