import { emit, guard, page, warn } from './page';
import { marks } from './tags';
import type { Trust } from './trust';

/**
 * What the release engine needs to know. `allowed` is asked again right before anything is released, so that a
 * withdrawal stops what is still waiting.
 */
export interface Rules {
  allowed(el: Element): boolean;
  /** An element was found that may not load now. It may be told of the same one again. */
  held?(el: HTMLElement): void;
  readonly nonce: string;
  readonly trust: Trust;
  /** Nothing is released before it, when another engine's last tag is still running. */
  readonly after: Promise<unknown> | undefined;
}

export interface Engine {
  /** What is allowed has changed: releases and cancels. */
  update(): void;
  /** Releases nothing more; resolves when the tag that runs now has ended. */
  stop(): Promise<unknown>;
}

/** How long a tag may take before it is skipped, in milliseconds; `data-timeout` on the tag overrides it. */
const patience = 4e3;

// Attributes that make a browser fetch, kept from doing so by the prefix 'data-'.
const lent = ['src', 'srcset', 'srcdoc', 'href'];

/** Lets other tasks and frames go first. Not a timer: those are slowed down in hidden tabs. */
export const rest = (): Promise<unknown> =>
  new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  });

const isScript = (el: unknown): el is HTMLScriptElement => el instanceof HTMLScriptElement;
const isTemplate = (el: unknown): el is HTMLTemplateElement => el instanceof HTMLTemplateElement;
const source = (el: HTMLElement): string | null => el.getAttribute('data-src') || el.getAttribute('src');

/** An async script waits for nobody and nobody waits for it. */
const isAsync = (el: HTMLScriptElement): boolean => el.hasAttribute('async') && !!source(el);

const isModule = (el: HTMLScriptElement): boolean => (el.getAttribute('data-type') || el.type) === 'module';

/** Whether an element with a category is one that we hold back. */
const gated = (el: HTMLElement): boolean =>
  isScript(el) ? el.type.toLowerCase() === 'text/plain' : isTemplate(el) || lent.some((name) => el.hasAttribute('data-' + name));

/**
 * Whether the parser has read all of an element. Before, its text may be half a script. Deferred and module scripts
 * want the whole document.
 */
const complete = (el: HTMLElement): boolean => {
  if (page.readyState !== 'loading') return true;
  if (isScript(el) && (el.hasAttribute('defer') || isModule(el))) return false;
  for (let node: Node | null = el; node; node = node.parentNode) if (node.nextSibling) return true;
  return false;
};

/**
 * Watches the page for gated elements and releases those that are allowed, each once, where it stands. Scripts and
 * templates run strictly in document order: fetched in parallel, executed one after the other, with a rest in between.
 * One that does not answer is skipped and the others go on.
 */
export const createEngine = ({ allowed, held, nonce, trust, after }: Rules): Engine => {
  const waiting = new Set<HTMLElement>();
  const shown = new Set<HTMLElement>();
  /** Released scripts: by which element they were allowed, and what they wrote. */
  const slots = new WeakMap<Element, { owner_: HTMLElement; html_: string; end_?: Comment; done_?: Promise<void> | undefined }>();
  /** Those that have not ended yet, and how to take them back. */
  const running = new Map<HTMLScriptElement, () => void>();
  const warmed = new WeakMap<Element, Element>();
  const unknown = new Set<string | null>();
  let last: HTMLScriptElement | undefined;
  let stopped = false;
  let unread = false;

  /** Sets an attribute that may be a Trusted Types sink. */
  const set = (el: Element, name: string, value: string): void =>
    el.setAttribute(
      name,
      name === 'src' ? trust.createScriptURL(value) : name === 'srcdoc' ? trust.createHTML(value) : name.startsWith('on') ? trust.createScript(value) : value,
    );

  /** Has a script fetched that runs later. The same address, mode and integrity make it the same fetch. */
  const warm = (el: HTMLScriptElement): void => {
    const src = source(el);
    if (!src || warmed.has(el)) return;
    const link = page.createElement('link');
    for (const name of ['crossorigin', 'integrity', 'referrerpolicy', 'fetchpriority']) {
      const value = el.getAttribute(name);
      if (value !== null) link.setAttribute(name, value);
    }
    link.rel = isModule(el) ? 'modulepreload' : 'preload';
    link.as = 'script';
    link.nonce = el.nonce || nonce;
    link.href = src;
    page.documentElement.append(link);
    warmed.set(el, link);
  };

  /** Replaces an inert script by a live copy. Resolves when that has run, and what it wrote has. */
  const replay = (el: HTMLScriptElement, owner: HTMLElement): Promise<void> =>
    new Promise((done) => {
      const script = page.createElement('script');
      const src = source(el);
      for (const { name, value } of el.attributes) if (!/^(data-)?(type|src)$/.test(name)) set(script, name, value);
      const type = el.getAttribute('data-type');
      if (type) script.type = type;
      // A nonce is read by its property only; the attribute is hidden from scripts.
      script.nonce = el.nonce || nonce;
      if (src) set(script, 'src', src);
      else script.text = trust.createScript(el.text);
      const waits = !!src || script.type === 'module';
      const end = (): void => {
        clearTimeout(timer);
        running.delete(script);
        void flush(script).then(done);
      };
      // A script that has moved to another document is not executed (HTML, "execute the script element").
      const cancel = (): void => {
        page.implementation.createHTMLDocument('').adoptNode(script);
        end();
      };
      const timer =
        waits && !isAsync(el)
          ? setTimeout(
              guard(() => {
                cancel();
                warn('skipped, no answer: ' + src);
                emit('skipped', { src, category: owner.getAttribute('data-category') });
              }),
              +el.getAttribute('data-timeout')! || patience,
            )
          : 0;
      script.addEventListener('load', end);
      script.addEventListener('error', end);
      slots.set(script, { owner_: owner, html_: '' });
      last = script;
      running.set(script, () => {
        if (el === owner) script.replaceWith(el);
        cancel();
      });
      el.replaceWith(script);
      warmed.get(el)?.remove();
      if (!waits) end();
      else if (isAsync(el)) done();
    });

  /** Puts markup into the page and runs its scripts in order. */
  const play = async (fragment: DocumentFragment, owner: HTMLElement, insert: (markup: DocumentFragment) => void): Promise<void> => {
    const scripts = [...fragment.querySelectorAll('script')].filter((s) => isScript(s) && !(gated(s) && s.hasAttribute('data-category')));
    for (const script of scripts) {
      if (script.type) script.setAttribute('data-type', script.type);
      script.type = 'text/plain';
    }
    insert(fragment);
    for (const script of scripts) if (allowed(owner) && script.isConnected) await replay(script, owner);
  };

  /** Puts what a script wrote behind it. */
  const flush = (script: HTMLScriptElement): Promise<void> => {
    const slot = slots.get(script)!;
    const html = slot.html_;
    slot.html_ = '';
    if (html)
      slot.done_ = (slot.done_ ?? Promise.resolve()).then(async () => {
        const end = (slot.end_ ??= page.createComment(''));
        if (!end.isConnected) script.after(end);
        const range = page.createRange();
        range.selectNode(end);
        await play(range.createContextualFragment(trust.createHTML(html)), slot.owner_, (markup) => end.before(markup));
      });
    return slot.done_?.catch(warn) ?? Promise.resolve();
  };

  // After the parser has gone, document.write() would wipe the page. What a released script writes goes where it
  // stands; what comes later, from nobody knows where, goes behind the last one. The parser's own scripts write as ever.
  const capture = (): void => {
    for (const name of ['write', 'writeln', 'open', 'close'] as const) {
      const native = page[name] as (...args: unknown[]) => unknown;
      (document as unknown as Record<string, unknown>)[name] = (...args: unknown[]): unknown => {
        const current = page.currentScript as HTMLScriptElement | null;
        const script = current && (slots.has(current) || page.readyState === 'loading') ? current : last!;
        const slot = slots.get(script);
        if (!slot || args[2] !== undefined) return native(...args);
        if (name === 'open') return document;
        if (name !== 'close') {
          slot.html_ += args.join('') + (name === 'writeln' ? '\n' : '');
          void Promise.resolve(script).then(flush);
        }
        return undefined;
      };
    }
  };

  const show = (el: HTMLElement): Promise<void> | void => {
    if (isScript(el)) {
      if (!last) capture();
      return replay(el, el);
    }
    if (isTemplate(el)) return play(page.importNode(el.content, true), el, (markup) => el.replaceWith(markup));
    for (const name of lent) {
      const value = el.getAttribute('data-' + name);
      if (value !== null) {
        el.removeAttribute('data-' + name);
        set(el, name, value);
      }
    }
    shown.add(el);
  };

  /** Goes through what waits: what has an order, or what has none. */
  const drain = async (ordered: boolean): Promise<void> => {
    for (const el of waiting) {
      if (((isScript(el) && !isAsync(el)) || isTemplate(el)) !== ordered || !allowed(el)) continue;
      if (ordered && !complete(el)) {
        unread = true;
        break;
      }
      await rest();
      if (stopped) break;
      if (allowed(el) && waiting.delete(el) && el.isConnected) await Promise.resolve(show(el)).catch(warn);
    }
  };
  const lanes = [Promise.resolve(after), Promise.resolve(after)];
  const go = (): void => {
    unread = false;
    lanes.forEach((lane, i) => (lanes[i] = lane.then(() => drain(!i)).catch(warn)));
  };

  const consider = (el: HTMLElement): boolean => {
    if (!allowed(el)) {
      held?.(el);
      return false;
    }
    if (isScript(el) && !isAsync(el)) warm(el);
    return true;
  };

  const find = (root: Element): boolean => {
    let news = false;
    const all = Element.prototype.querySelectorAll.call(root, '[data-category]') as NodeListOf<HTMLElement>;
    for (const el of [root as HTMLElement, ...all]) {
      if (!Element.prototype.hasAttribute.call(el, 'data-category') || !gated(el)) continue;
      if (marks(el)) {
        waiting.add(el);
        news = consider(el) || news;
      } else {
        const key = el.getAttribute('data-category') + ' ' + (el.getAttribute('data-service') ?? '');
        if (!unknown.has(key)) warn('never loads, the notice has no such category or vendor: ' + key);
        unknown.add(key);
      }
    }
    return news;
  };

  const observer = new MutationObserver(
    guard((records: MutationRecord[]) => {
      let news = unread;
      for (const record of records) for (const node of record.addedNodes) if (node instanceof Element) news = find(node) || news;
      if (news) go();
    }),
  );
  observer.observe(document, { childList: true, subtree: true });
  page.addEventListener('readystatechange', guard(go));
  if (find(page.documentElement)) go();

  return {
    update() {
      for (const [script, cancel] of running) if (!allowed(slots.get(script)!.owner_)) cancel();
      for (const el of shown) {
        // A frame goes back to where it was before consent. An image has been loaded; nothing undoes that.
        if (allowed(el) || !(el instanceof HTMLIFrameElement)) continue;
        shown.delete(el);
        for (const name of lent) {
          const value = el.getAttribute(name);
          if (value !== null) el.setAttribute('data-' + name, value);
          el.removeAttribute(name);
        }
        waiting.add(el);
      }
      waiting.forEach(consider);
      go();
    },
    stop() {
      stopped = true;
      observer.disconnect();
      return Promise.all(lanes);
    },
  };
};
