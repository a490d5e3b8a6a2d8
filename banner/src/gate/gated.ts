import { guard, page, within } from './page';

/** What can be held back: a script that is none yet, markup that is none yet, and what fetches by an attribute. */
export const gated = ':is(script[type="text/plain" i],template,[data-src],[data-srcset],[data-srcdoc],[data-poster],[data-data],[data-href])[data-category]';

/** Calls back with what is gated in the page, now and later, until it is told to stop. */
export const watch = (found: (el: HTMLElement) => void): (() => void) => {
  const find = (root: Element): void => within(root, gated).forEach(found);
  const observer = new MutationObserver(
    guard((records: MutationRecord[]) => {
      for (const { addedNodes } of records) for (const node of addedNodes) if (node instanceof Element) find(node);
    }),
  );
  observer.observe(document, { childList: true, subtree: true });
  find(page.documentElement);
  return () => observer.disconnect();
};
