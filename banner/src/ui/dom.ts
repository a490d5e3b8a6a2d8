import { page } from '../gate/page';

/**
 * A host with an open shadow root. The sheet is constructed, not an inline style: style-src has no say over it,
 * and Trusted Types know no sink in it.
 */
export const dress = (host: HTMLElement, css: string, ...layout: Node[]): HTMLElement => {
  const sheet = new CSSStyleSheet();
  const root = host.attachShadow({ mode: 'open' });
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  root.append(...layout);
  host.lang = VOLENTI.language;
  host.dir = VOLENTI.rtl ? 'rtl' : 'ltr';
  return host;
};

/**
 * Puts a host before the page's body: first in Tab order, and out of reach of whatever replaces or hydrates the body.
 * While the head is still being read it goes to the end; the parser then puts the body after it.
 */
export const place = <T extends Node>(host: T): T => page.documentElement.insertBefore(host, page.body);

/** Moves focus to the re-open control, once what had it is gone. */
export const toReopen = (): void =>
  page.querySelector('volenti-reopen')?.shadowRoot?.querySelector('button')?.focus({ preventScroll: true });

type Tag<T extends string> = T extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[T] : HTMLElement;

/** An element; what it has as a property is set as one (handlers, states), all else as an attribute. No markup is ever parsed. */
export const h = <T extends string>(tag: T, set: Record<string, unknown> = {}, ...children: (Node | string)[]): Tag<T> => {
  const el = page.createElement(tag);
  for (const name in set) {
    if (name in el) (el as unknown as Record<string, unknown>)[name] = set[name];
    else el.setAttribute(name, set[name] as string);
  }
  el.append(...children);
  return el as Tag<T>;
};
