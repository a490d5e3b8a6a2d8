import type { Block } from './hold';
import { construct } from './construct';
import { within } from './page';

/** Addresses in a style sheet. */
const addresses = /(url\(\s*|@import\s+)(["']?)([^"')\s;]+)/gi;

/**
 * Styles that scripts put into the page, and fonts. Those of the parser have been read before anybody could look at them.
 * Only the addresses go: a page that must wait for a font is not left without the rest of its style.
 */
export const styles = (block: Block): void => {
  const { stops, patch } = block;
  const held = new Map<HTMLElement, string>();

  const clean = (text: string): string =>
    text.replace(addresses, (whole, before: string, quote: string, address: string) => (stops(address) ? before + quote + 'about:invalid' : whole));

  construct(block, 'FontFace', (args) => {
    if (typeof args[1] === 'string') args[1] = clean(args[1]);
  });

  for (const { prototype } of [Node, Element, Document, DocumentFragment, CharacterData])
    patch(prototype, /^((ap|pre)pend|insert|replace|before$|after$)/, (_, args) => {
      for (const node of args)
        for (const style of node instanceof Element ? within(node, 'style:not(:empty)') : node instanceof DocumentFragment ? node.querySelectorAll<HTMLElement>('style:not(:empty)') : []) {
          const text = style.textContent!;
          const cleaned = clean(text);
          if (cleaned === text) continue;
          style.textContent = cleaned;
          held.set(style, text);
        }
    });

  block.also = () => {
    for (const [style, text] of held) {
      const cleaned = clean(text);
      style.textContent = cleaned;
      if (cleaned === text) held.delete(style);
    }
  };
};
