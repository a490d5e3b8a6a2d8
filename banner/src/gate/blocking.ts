import { giveBack } from './attributes';
import type { Block } from './hold';
import type { Core } from './core';
import type { Head } from './head';
import { guard, warn } from './page';

/** The module entry/block.ts. */
interface BlockModule {
  createBlock(head: Head): Block;
  more(block: Block): void;
}

/**
 * Fetches what holds unmarked tags as soon as something may not load: all of it, or what the first script has not. Releases
 * what was held, is allowed now and does not stand in the document; what does, the engine releases in its order.
 */
export const blocking = (core: Core): void => {
  const { head } = core;
  let coming: Promise<void> | void;
  core.late = () => {
    for (const el of head.block?.mine ?? [])
      guard(() => {
        if (!head.block!.allows(el) || el.getRootNode() === document) return;
        if (el instanceof HTMLScriptElement) el.type = el.dataset.type!;
        giveBack(el, head.trust);
      })();
    if (core.outcome.now.includes('0'))
      coming ??= (import(`${head.base}/b/${VOLENTI.site}/${VOLENTI.blockDigest}.js`) as Promise<BlockModule>)
        .then(({ createBlock, more }) => {
          (head.block ??= createBlock(head)).update(core.outcome.now);
          more(head.block);
        })
        .catch((e) => void (coming = warn(e)));
  };
  core.late();
};
