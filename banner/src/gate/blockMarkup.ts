import type { Block, Scan } from './hold';
import { page } from './page';
import type { Native } from './patch';

/** Markup that may hold something that fetches. */
const fetching = /src|poster|<(link|object)/i;

/** What is meant for browsers without scripts. It was parsed, for where it was no script runs. */
const strip = (root: ParentNode): void => root.querySelectorAll('noscript').forEach((el) => el.remove());

/**
 * Markup that scripts write. It is never changed as text: it is parsed where nothing loads and nothing runs, and if something
 * in it has to be held, which is done there, the nodes go where the text was to go.
 */
export const markup = ({ patch, dead, trust }: Block, scan: Scan): void => {
  const inert = page.implementation.createHTMLDocument('');
  const fill = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML')!.set as Native;

  for (const { prototype } of [Element, ShadowRoot])
    patch(prototype, /(r|nt)HTML|HTMLUnsafe/, (self: Element & ShadowRoot, args, name) => {
      const beside = /nt/.test(name);
      const html = args[+beside];
      const around = beside ? /^(beforeb|aftere)/i.test(args[0] as string) : name === 'outerHTML';
      const context = around ? self.parentElement : self.nodeType === 1 ? self : self.host;
      if (!fetching.test(html as string) || !context || context.localName === 'template') return;
      const parsed = inert.importNode(context);
      fill.call(parsed, html);
      const scripts = parsed.querySelectorAll('script');
      scripts.forEach((script) => dead.add(script));
      if (!scan(parsed) && !scripts.length) return;
      strip(parsed);
      const spot = beside && self.insertAdjacentElement(args[0] as InsertPosition, page.createElement('i'));
      if (spot || around) (spot || self).replaceWith(...parsed.childNodes);
      else self.replaceChildren(...parsed.childNodes);
      return [undefined];
    });

  patch(Document.prototype, /^write(ln)?$/, (_, args) => {
    const { currentScript, readyState } = page;
    const html = args.join('');
    if (readyState !== 'loading' || !currentScript || !fetching.test(html)) return;
    // All of it is released together, in its order.
    const template = page.createElement('template');
    const write = (): void => {
      fill.call(template, trust.createHTML(html));
      strip(template.content);
    };
    write();
    if (!scan(template.content)) return;
    const { category, service } = template.content.querySelector<HTMLElement>('[data-category]')!.dataset;
    write();
    Object.assign(template.dataset, { category, service });
    currentScript.parentNode!.append(template);
    return [undefined];
  });
};
