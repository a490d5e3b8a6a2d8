import { categories, like, vendors, vendorNames } from 'volenti:notice';
import { guard, page, within } from './page';
import type { Trust } from './trust';

// The marks of other banners, so that a site can move without touching its markup. server/markup/dialects.go is the same
// table for the command line; server/markup/testdata/dialects.json are the cases of both.

/** What other banners call a category, by which switch of the law it is. In doubt the later one. */
const words: readonly (readonly [letter: string, words: string])[] = [
  ['n', ' necessary essential c0001 iub1 '],
  ['p', ' preferences functional functionality personalization c0003 iub2 iub3 select_personalized_content create_content_profile '],
  ['a', ' analytics statistics statistics-anonymous performance c0002 iub4 measure_content_performance market_research improve_products '],
  ['m', ' marketing advertising advertisement ads targeting c0004 c0005 iub5 cookies create_ads_profile select_personalized_ads select_basic_ads measure_ad_performance '],
];

/** Where other banners keep an address. */
const sources = ['data-cookieblock-src', 'data-suppressedsrc', 'suppressedsrc', 'data-cmplz-src', 'data-src-cmplz', 'data-uc-src'];

/** What tarteaucitron makes a frame of: class, attribute, what stands before its value in the address, vendor. */
const players: readonly (readonly [name: string, attribute: string, before: string, vendor: string])[] = [
  ['youtube_player', 'videoID', 'https://www.youtube-nocookie.com/embed/', 'youtube'],
  ['vimeo_player', 'videoID', 'https://player.vimeo.com/video/', 'vimeo'],
  ['dailymotion_player', 'videoID', 'https://www.dailymotion.com/embed/video/', 'dailymotion'],
  ['spotify_player', 'spotifyID', 'https://open.spotify.com/embed/', 'spotify'],
  ['googlemapsembed', 'url', '', 'google-maps'],
  ['tac_iframe', 'url', '', 'iframe'],
];

/** A script that is none yet, or what fetches nothing yet; with a mark. A script that runs by itself has run already. */
const foreign =
  `:is(script:is([type="text/plain" i],[type=opt-in],[type^="didomi/"]),:not(script):is([data-src],[data-href],[${sources.join('],[')}]))` +
  ':is([data-category],[data-cookieconsent],[data-cookieyes],[data-iub-purposes],[class*=_iub_cs_activate],[class*=optanon-category],[data-osano],[data-cookie-consent],[data-usercentrics],[data-requires-vendor-consent],[data-name],[type^="didomi/"]),.' +
  players.map((p) => p[0]).join(',.');

const fold = (text: string): string => text.toLowerCase().replace(/ *\(.*|[^\p{L}\p{N}]/gu, '');

/** The notice's vendor of a key or a name, however it is written. */
const vendorOf = (text: string): (typeof vendors)[number] | undefined => {
  const folded = fold(text.replace(/^\w+:/, ''));
  return vendors.find(([key], i) => folded && (fold(key) === folded || fold(vendorNames[i]!) === folded));
};

/** The notice's categories that words stand for. A word that means none stays: nobody was asked about that. */
const categoryOf = (text: string, prefix = ''): string =>
  text
    .split(/[\s,]+/)
    .map((word) => {
      if (categories.includes(word)) return word;
      const known = ` ${prefix}${word.toLowerCase().replace(/^cookieyes-/, '')} `;
      const letter = words.find(([, list]) => list.includes(known))?.[0];
      return categories[like.indexOf(letter!)] ?? (letter === 'n' ? 'necessary' : word);
    })
    .join(' ');

/** What is inert markup in the text of a script: in a template, where nothing of it loads. */
const template = (el: HTMLElement, trust: Trust): HTMLTemplateElement => {
  const made = page.createElement('template');
  // Made in a document without a window, since one with a window fetches images at once.
  const range = page.implementation.createHTMLDocument().createRange();
  made.content.append(range.createContextualFragment(trust.createHTML((el as HTMLScriptElement).text)));
  return made;
};

/** The frame that one of `players` stands for. */
const player = (el: HTMLElement): HTMLElement | undefined => {
  const [, attribute, before, key] = players.find((p) => el.classList.contains(p[0])) ?? ['', '', '', ''];
  const value = el.getAttribute('data-' + attribute) || el.getAttribute(attribute);
  const vendor = vendorOf(key);
  if (!value || !vendor) return undefined;
  const frame = page.createElement('iframe');
  for (const name of ['id', 'width', 'height', 'title', 'allow']) {
    const kept = el.getAttribute(name);
    if (kept) frame.setAttribute(name, kept);
  }
  frame.allowFullscreen = el.getAttribute('allowfullscreen') !== '0';
  Object.assign(frame.dataset, { category: categories[vendor[1]], service: vendor[0], src: before + value });
  return frame;
};

/** Marks an element as ours, by the marks of another banner. Returns what is to be put where it stands, if it was not ours yet. */
const translate = (el: HTMLElement, trust: Trust): HTMLElement | undefined => {
  const { dataset } = el;
  const classes = el.getAttribute('class') ?? '';
  const type = el.getAttribute('type') ?? '';
  const didomi = type.startsWith('didomi/');
  if (type === 'didomi/html' && page.readyState === 'loading') return undefined;
  const state = (): string => [el.getAttribute('type'), dataset.category, dataset.service, dataset.src].join();
  const before = state();

  const groups = classes.match(/optanon-category-([\w-]+)/)?.[1]?.replace(/-/g, ' ');
  const purposes = dataset.iubPurposes ?? (classes.includes('_iub_cs_activate') ? '5' : undefined);
  const named =
    dataset.category ?? dataset.cookieconsent ?? dataset.cookieyes ?? dataset.osano ?? dataset.cookieConsent ?? groups ?? purposes ?? (didomi ? dataset.purposes : undefined);
  // Complianz says "general" of what has no service.
  const service = dataset.service === 'general' ? '' : dataset.service;
  const by = service ?? dataset.usercentrics ?? dataset.requiresVendorConsent ?? (didomi ? (dataset.vendor ?? dataset.vendorRaw) : undefined);
  // A bare data-name may be no mark at all.
  const vendor = vendorOf(by ?? (named === undefined ? dataset.name : undefined) ?? '');

  if (named === undefined && by === undefined && !vendor) return didomi ? undefined : player(el);
  dataset.category = named !== undefined ? categoryOf(named, named === purposes ? 'iub' : '') : (categories[vendor?.[1]!] ?? by!);
  if (vendor || by !== undefined) dataset.service = vendor?.[0] ?? by!;
  const src = dataset.src ?? sources.map((name) => el.getAttribute(name)).find((value) => value);
  if (src) dataset.src = src;
  if (type === 'didomi/html') {
    const made = template(el, trust);
    Object.assign(made.dataset, { category: dataset.category, service: dataset.service ?? '' });
    return made;
  }
  if (el instanceof HTMLScriptElement) el.type = 'text/plain';
  return state() === before ? undefined : el;
};

/** Has tags that are marked for other banners become ours, those too that come later. Put where it stands, each is one that has just come. */
export const followDialects = (trust: Trust): void => {
  const adopt = (root: Element): void => {
    for (const el of within(root, foreign))
      guard(() => {
        const put = translate(el, trust);
        if (put === el) el.before(el);
        else if (put) el.replaceWith(put);
      })();
  };
  const all = (): void => adopt(document.documentElement);
  new MutationObserver(
    guard((records: MutationRecord[]) => {
      for (const { addedNodes } of records) for (const node of addedNodes) if (node instanceof Element) adopt(node);
    }),
  ).observe(document, { childList: true, subtree: true });
  page.addEventListener('readystatechange', all);
  all();
};
