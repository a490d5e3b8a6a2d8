import { giveBack } from './attributes';
import { gated } from './gated';
import { emit, guard, page, rest, warn, within } from './page';
import { marks } from './tags';
import type { Trust } from './trust';

/**
 * What the engine needs to know. `allowed` is asked again right before anything is released, so that a withdrawal
 * stops what still waits.
 */
export interface Rules {
  allowed(el: Element): boolean;
  /**
   * An element was found that may not load now. It may be told of the same one again. `ran`: one that may has just let a
   * script run; told only where a notice has vendors whose tags can't be unloaded.
   */
  held?(el: HTMLElement, ran?: true): void;
  readonly nonce: string;
  readonly trust: Trust;
  /** Whether an element was held before it could run: then it runs itself, no copy of it, with all who listen to it. */
  mine(el: Element): boolean;
}

export interface Engine {
  /** What is allowed has changed: releases, and takes back what can be. */
  update(): void;
}

/** How long a tag may take before it is skipped, in milliseconds; `data-timeout` on the tag overrides it. */
const patience = 4e3;

const isScript = (el: unknown): el is HTMLScriptElement => el instanceof HTMLScriptElement;
const isTemplate = (el: unknown): el is HTMLTemplateElement => el instanceof HTMLTemplateElement;
const source = (el: HTMLElement): string | null => el.dataset.src || el.getAttribute('src');
const isModule = (el: HTMLScriptElement): boolean => (el.dataset.type || el.type) === 'module';

/** An async script waits for nobody and nobody waits for it. */
const isAsync = (el: HTMLElement): boolean => el.hasAttribute('async') && !!source(el);

/**
 * Whether the parser has read all of an element: before, its text may be half a script. It has if there is text behind
 * it, as between two lines of markup. An element behind it proves nothing: any script may have put that there, so then
 * the end of the document is waited for, as deferred and module scripts do.
 */
const complete = (el: HTMLElement): boolean => {
  if (page.readyState !== 'loading') return true;
  if (isScript(el) && (el.defer || isModule(el))) return false;
  if (isScript(el) && source(el)) return true;
  let node: Node | null = el;
  while (node && !node.nextSibling && node !== page.head) node = node.parentNode;
  return node === page.head ? !!page.body : node?.nextSibling instanceof Text;
};

/**
 * Watches the page for gated elements and releases those that are allowed, each once, where it stands. Scripts and
 * templates run strictly in document order: fetched in parallel, executed one after the other, with a rest in between.
 * One that does not answer is skipped, and the others go on.
 */
export const createEngine = ({ allowed, held, nonce, trust, mine }: Rules): Engine => {
  const waiting = new Set<HTMLElement>();
  const warmed = new Map<Element, Element>();
  /** How to take back what was released, and by which element it was allowed. */
  const undos = new Map<() => void, Element>();
  /** Where released scripts write to. */
  const writers = new WeakMap<Element, (text: string) => void>();
  let last: HTMLScriptElement | undefined;
  let unread = false;

  /** Copies the attributes whose names fit. Those that a page under Trusted Types may not set from strings go through the policy. */
  const copy = (from: Element, to: Element, names: RegExp): void => {
    for (const { name, value } of from.attributes)
      if (names.test(name)) to.setAttribute(name, name.startsWith('on') ? trust.createScript(value) : value);
  };

  /** Has a script fetched that runs later. The same address, mode and integrity make it the same fetch. */
  const warm = (el: HTMLScriptElement): void => {
    const src = source(el);
    if (!src || warmed.has(el) || isModule(el)) return;
    const link = page.createElement('link');
    copy(el, link, /^(cross|integ|referrer|fetchp)/);
    link.rel = 'preload';
    link.as = 'script';
    link.nonce = el.nonce || nonce;
    link.href = src;
    page.documentElement.append(link);
    warmed.set(el, link);
  };

  /** Replaces an inert script by a live copy. Resolves when that has run, and what it wrote has. */
  const replay = (el: HTMLScriptElement, owner: HTMLElement): Promise<void> =>
    new Promise((resolve) => {
      if (!last) capture();
      const src = source(el);
      const own = src && mine(el);
      const script = own ? el : page.createElement('script');
      const inert = own ? el.cloneNode(true) : el;
      let timer = 0;
      let html = '';
      let written = Promise.resolve();
      const end = page.createComment('');

      const flush = (): Promise<void> => {
        const text = html;
        html = '';
        if (text)
          written = written
            .then(() => {
              const range = page.createRange();
              if (!end.isConnected) script.after(end);
              range.selectNode(end);
              return play(range.createContextualFragment(trust.createHTML(text)), owner, (markup) => end.before(markup));
            })
            .catch(warn);
        return written;
      };
      const ended = (): void => {
        clearTimeout(timer);
        undos.delete(undo);
        void flush().then(resolve);
      };
      // A script that has moved to another document is not executed (HTML, "execute the script element").
      const cancel = (): void => {
        page.implementation.createHTMLDocument().adoptNode(script);
        ended();
      };
      const undo = (): void => {
        if (el === owner) script.replaceWith(inert);
        cancel();
      };

      if (!own) copy(el, script, /^(?!(data-)?(type|src)$)/);
      if (own || el.dataset.type) script.type = el.dataset.type ?? '';
      // Read and written as a property: the attribute is hidden from scripts.
      script.nonce = el.nonce || nonce;
      if (src) script.src = trust.createScriptURL(src);
      else script.text = trust.createScript(el.text);
      script.addEventListener('load', ended);
      script.addEventListener('error', ended);
      writers.set((last = script), (text) => {
        html += text;
        void written.then(flush);
      });
      undos.set(undo, owner);
      if (VOLENTI.reload) held?.(owner, true);
      if (own) delete el.dataset.src;
      else el.replaceWith(script);
      warmed.get(el)?.remove();
      // An inline module tells nobody when it has run (HTML, "execute the script element").
      if (!src) ended();
      else if (isAsync(el)) resolve();
      else
        timer = window.setTimeout(
          guard(() => {
            cancel();
            warn('no answer: ' + src);
            emit('skipped', { src, category: owner.dataset.category });
          }),
          +el.dataset.timeout! || patience,
        );
    });

  /** Puts markup into the page and runs its scripts in order. */
  const play = async (markup: DocumentFragment, owner: HTMLElement, insert: (markup: DocumentFragment) => void): Promise<void> => {
    const scripts = [...markup.querySelectorAll('script')].filter((s) => isScript(s) && !s.matches(gated));
    for (const script of scripts) {
      if (script.type) script.dataset.type = script.type;
      script.type = 'text/plain';
    }
    insert(markup);
    for (const script of scripts) if (allowed(owner)) await replay(script, owner);
  };

  // After the parser has gone, document.write() would wipe the page. What a released script writes goes where it
  // stands; what comes later, from nobody knows where, goes behind the last one. The parser's own scripts write as ever.
  const capture = (): void => {
    for (const name of ['write', 'writeln', 'open', 'close'] as const) {
      const native = page[name] as (...args: unknown[]) => unknown;
      const captured = (...args: unknown[]): unknown => {
        const current = page.currentScript;
        const write = writers.get(current!) ?? (current && page.readyState === 'loading' ? undefined : writers.get(last!));
        // With three arguments, open() is that of windows.
        if (!write || args[2]) return native(...args);
        if (name === 'open') return document;
        return write(name === 'close' ? '' : args.join('') + (name === 'write' ? '' : '\n'));
      };
      Object.defineProperty(document, name, { value: captured, configurable: true, writable: true });
    }
  };

  const show = (el: HTMLElement): Promise<void> | undefined => {
    if (isScript(el)) return replay(el, el);
    if (isTemplate(el)) return play(page.importNode(el.content, true), el, (markup) => el.replaceWith(markup));
    // A frame can be taken back. An image has been loaded; nothing undoes that.
    const inert = el.cloneNode();
    if (el instanceof HTMLIFrameElement) {
      const undo = (): void => {
        undos.delete(undo);
        el.replaceWith(inert);
      };
      undos.set(undo, inert as Element);
    }
    giveBack(el, trust);
    return undefined;
  };

  const release = async (el: HTMLElement): Promise<void> => {
    try {
      if (allowed(el) && waiting.delete(el) && el.isConnected) await show(el);
    } catch (e) {
      warn(e);
    }
  };

  const isOrdered = (el: HTMLElement): boolean => isTemplate(el) || (isScript(el) && !isAsync(el));

  const drain = async (): Promise<void> => {
    for (const el of waiting) {
      if (!isOrdered(el) || !allowed(el)) continue;
      unread = !complete(el);
      if (unread) break;
      await rest();
      await release(el);
    }
  };
  let lane = Promise.resolve();
  const go = (): void => {
    lane = lane.then(drain).catch(warn);
  };

  /** Whether there is something for drain. */
  const consider = (el: HTMLElement): boolean => {
    if (!allowed(el)) held?.(el);
    else if (!isOrdered(el)) void rest().then(() => release(el));
    else if (isScript(el)) warm(el);
    return allowed(el);
  };

  const find = (root: Element): boolean =>
    within(root, gated).filter((el) => {
      // Every browser that runs us knows modules, so this is not for it.
      if ((el as HTMLScriptElement).noModule && !isModule(el as HTMLScriptElement)) return false;
      if (marks(el)) {
        // Who goes back to a page is given back what the parser's frames showed, allowed or not; not what scripts put there.
        if (el instanceof HTMLIFrameElement && !waiting.has(el)) el.replaceWith(el);
        return waiting.add(el) && consider(el);
      }
      const { category, service = '' } = el.dataset;
      warn(`not in the notice: ${category} ${service}`);
      return false;
    }).length > 0;

  const observer = new MutationObserver(
    guard((records: MutationRecord[]) => {
      let news = unread;
      for (const { addedNodes } of records) for (const node of addedNodes) if (node instanceof Element && find(node)) news = true;
      if (news) go();
    }),
  );
  observer.observe(document, { childList: true, subtree: true });
  page.addEventListener('readystatechange', go);
  find(page.documentElement);
  go();

  return {
    update() {
      for (const [undo, owner] of undos) if (!allowed(owner)) undo();
      // In document order, also what was put in or put back since.
      for (const el of page.querySelectorAll<HTMLElement>(gated)) if (waiting.delete(el)) waiting.add(el);
      waiting.forEach(consider);
      go();
    },
  };
};
