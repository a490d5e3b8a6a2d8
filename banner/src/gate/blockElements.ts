import type { Hold } from './block';
import { guard, page, within } from './page';
import { patch } from './patch';
import { marks } from './tags';

/** Attributes that name what an element fetches. */
const names = ['src', 'srcset', 'srcdoc', 'poster', 'data', 'href', 'xlink:href'];

/** What may fetch by them. */
const fetching = '[src],[srcset],[srcdoc],[poster],object,link,image';

const { setAttribute, removeAttribute, getAttribute } = Element.prototype;

/** Whether an attribute makes an element fetch. Most links only name an address. */
const fetches = (el: HTMLElement, name: string): boolean =>
  /f$/.test(name)
    ? el.localName === 'image' || /style|pre[lfcr]|icon|manif/.test((el as HTMLLinkElement).rel)
    : name === 'data'
      ? el.localName === 'object'
      : // Types that banners run, not browsers.
        names.includes(name) && !/^(text.plain|opt-in|didomi)/.test((el as HTMLScriptElement).type);

/** Holds what is in a node, itself included; says whether there was something. */
export type Scan = (root: Node) => boolean;

/** Elements, from wherever they come: the parser, or a script that puts them into the page or gives them an address there. */
export const elements = (hold: Hold): void => {
  const { mine, trust } = hold;
  /** Those that have no marks but ours. */
  const ours = new WeakSet<Element>();
  const marked = (el: HTMLElement): boolean => !ours.has(el) && !!marks(el);

  /** Takes an address away that may not be fetched now. What is left is an element that is marked as the site might have done. */
  const take = (el: HTMLElement, name: string, value: unknown): boolean => {
    const text = String(value);
    const kept = 'data-' + name.replace('xlink:', '');
    // In a set of images, what is no address is one of ours.
    const verdict = (/set/.test(name) ? text.split(/,?\s+|,$/) : [text]).map((address) => hold.stops(address, marked(el) && el)).find(Boolean);
    if (!verdict) return false;
    if (!marked(el)) {
      const { category, service = '' } = verdict.dataset;
      Object.assign(el.dataset, { category, service });
      ours.add(el);
    }
    if (el instanceof HTMLScriptElement && !mine.has(el)) {
      el.dataset.type = el.type;
      el.type = 'text/plain';
      // A script that a script made waits for nobody.
      if (el.async) el.async = true;
    }
    setAttribute.call(el, kept, text);
    removeAttribute.call(el, name);
    mine.add(el);
    hold.later({ dataset: { ...el.dataset } }, () => {
      // What stands in the document is released by the engine, in its order.
      if (el.getRootNode() === document || getAttribute.call(el, kept) !== text) return;
      removeAttribute.call(el, kept);
      if (el instanceof HTMLScriptElement) el.type = el.dataset.type!;
      el.setAttribute(name, trust.createScriptURL(text));
    });
    return true;
  };

  const scan: Scan = (root) =>
    root.nodeType === 1
      ? within(root as Element, fetching).filter((el) => names.filter((name) => el.hasAttribute(name) && fetches(el, name) && take(el, name, getAttribute.call(el, name))).length).length > 0
      : root.nodeType === 11 && [...(root as DocumentFragment).children].filter(scan).length > 0;

  for (const { prototype } of [Node, Element, Document, DocumentFragment, CharacterData, Range])
    patch(prototype, /^((ap|pre)pend|insert|replace|move|surround|before$|after$)/, (_, args) => {
      if (!hold.free) for (const node of args) if ((node as Node | null)?.nodeType) scan(node as Node);
    });

  const set = (el: HTMLElement, name: string, value: unknown): readonly [undefined] | undefined | false => {
    if (hold.free || !fetches(el, name)) return;
    if (mine.has(el)) removeAttribute.call(el, 'data-' + name);
    // Images and media fetch before they stand in a document.
    return (el.isConnected || /^(img|video|audio|source)$/.test(el.localName)) && take(el, name, value) && [undefined];
  };
  patch(Element.prototype, /^setAttribute(NS|Node)?$/, (el, args) => {
    const { name, value } = args[0] as Attr;
    return set(el, String(name ?? args[args.length - 2]).toLowerCase(), value ?? args[args.length - 1]);
  });
  for (const name of 'Script Image IFrame Frame Embed Object Media Video Source Track Input Link'.split(' '))
    patch(
      (window as unknown as Record<string, { prototype: object }>)[`HTML${name}Element`]!.prototype,
      /^(src(set|doc)?|poster|data|href)$/,
      (el, [value], name) => set(el, name, value),
      (el: HTMLElement, name) => {
        const text = mine.has(el) ? getAttribute.call(el, 'data-' + name) : undefined;
        return text && !/set|doc/.test(name) ? new URL(text, page.baseURI).href : text;
      },
    );

  new MutationObserver(
    guard((records: MutationRecord[]) => {
      if (!hold.free) for (const { addedNodes } of records) addedNodes.forEach(scan);
    }),
  ).observe(document, { childList: true, subtree: true });
  scan(page.documentElement);
};
