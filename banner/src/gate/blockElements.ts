import { names } from './attributes';
import { markup } from './blockMarkup';
import type { Block, Scan } from './hold';
import { guard, page, within } from './page';
import { marks } from './tags';

/** The addresses in an attribute. What a set of images holds besides them is as good as one of ours. */
const addresses = (name: string, text: string): string[] =>
  name === 'srcset'
    ? text.split(/,?\s+|,$/)
    : name === 'srcdoc'
      ? [...text.matchAll(/(?:src|url|import|fetch|open|beacon)\W+((?:https?:)?\/\/[^\s"'<>)]+)/gi)].map((match) => match[1]!)
      : [text];

/** Elements, from wherever they come: the parser, or a script that puts them into the page or gives them an address there. */
export const elements = (block: Block): void => {
  const { stops, patch, mine, dead } = block;

  /** Whether an attribute makes an element fetch. Most links only name an address, and some types of script only banners run. */
  const fetches = (el: HTMLElement, name: string): boolean =>
    name === 'href'
      ? /style|pre[lfcr]|icon|manif/.test((el as HTMLLinkElement).rel)
      : name === 'data'
        ? el.localName === 'object'
        : names.includes(name) && !dead.has(el) && (mine.has(el) || !/^(text.plain|opt-in|didomi)/.test((el as HTMLScriptElement).type));

  /** Takes an address away that may not be fetched now. What is left is an element that is marked as the site might have done. */
  const take = (el: HTMLElement, name: string, value: unknown): boolean => {
    const text = String(value);
    const marked = !mine.has(el) && marks(el) && el;
    const verdict = addresses(name, text).map((address) => stops(address, marked)).find(Boolean);
    if (!verdict) return false;
    if (!marked) mine.add(el) && Object.assign(el.dataset, verdict.dataset);
    if (el instanceof HTMLScriptElement) {
      if (el.type !== 'text/plain') el.dataset.type = el.type;
      el.type = 'text/plain';
      // A script that a script made waits for nobody.
      if (el.async) el.async = true;
    }
    el.dataset[name] = text;
    el.removeAttribute(name);
    // Firefox goes on to where a frame was sent, unless it leaves the document.
    if (el.isConnected && el instanceof HTMLIFrameElement) el.replaceWith(el);
    return true;
  };

  const scan: Scan = (root) => {
    let found = false;
    if (root.nodeType === 11) for (const el of (root as DocumentFragment).children) found = scan(el) || found;
    // Most of what is inserted is one bare element.
    if (root.nodeType === 1 && ((root as Element).firstElementChild || (root as Element).hasAttributes()))
      for (const el of within(root as Element, `[${names.join('],[')}]`))
        for (const name of names) if (el.hasAttribute(name) && fetches(el, name) && take(el, name, el.getAttribute(name))) found = true;
    return found;
  };

  for (const { prototype } of [Node, Element, Document, DocumentFragment, CharacterData, Range])
    patch(prototype, /^((ap|pre)pend|insert|replace|move|surround|before$|after$)/, (_, args) => {
      for (const node of args) if (node) scan(node as Node);
    });

  const set = (el: HTMLElement, name: string, value: unknown): readonly [undefined] | undefined | false => {
    if (!fetches(el, name)) return;
    if (mine.has(el)) delete el.dataset[name];
    // Nothing is known of a script before it stands in a document, not even its type.
    return (el.isConnected || el.localName !== 'script') && take(el, name, value) && [undefined];
  };
  patch(Element.prototype, /^setAttribute(NS)?$/, (el, args) => {
    const [name, value] = args.slice(-2);
    return set(el, String(name).toLowerCase(), value);
  });
  for (const name of ['Script', 'Image', 'IFrame', 'Embed', 'Object', 'Media', 'Video', 'Source', 'Link'])
    patch(
      (window as unknown as Record<string, { prototype: object }>)[`HTML${name}Element`]!.prototype,
      /^(src|poster$|data$|href$)/,
      (el, [value], name) => set(el, name, value),
      (el: HTMLElement, name) => {
        const text = mine.has(el) ? el.dataset[name] : undefined;
        return text && !/set|doc/.test(name) ? new URL(text, page.baseURI).href : text;
      },
    );
  markup(block, scan);

  new MutationObserver(
    guard((records: MutationRecord[]) => {
      if (!block.free) for (const { addedNodes } of records) addedNodes.forEach(scan);
    }),
  ).observe(document, { childList: true, subtree: true });
  scan(page.documentElement);
};
