import { categories, like, vendors, vendorNames } from 'volenti:notice';

// What other banners call a category, by which switch of the law it is: Cookiebot's words, OneTrust's groups, iubenda's purposes.
const words: readonly (readonly [letter: string, words: RegExp])[] = [
  ['n', /^(necessary|C0001|1)$/],
  ['p', /^(preferences|C0003|2|3)$/],
  ['a', /^(statistics|C0002|4)$/],
  ['m', /^(marketing|C0004|C0005|5)$/],
];

/** Elements marked for another banner, and not for ours. */
export const foreign =
  ':is(script[type="text/plain" i],[data-src],[data-cookieblock-src],[data-suppressedsrc]):is([data-cookieconsent],[data-iub-purposes],[class*=optanon-category],[data-usercentrics],[data-name]):not([data-category])';

/**
 * Marks an element as ours, by the marks of another banner, so that a site can move without touching its markup:
 * Cookiebot, OneTrust and iubenda name categories, Usercentrics and Klaro name vendors. A category or vendor that the
 * notice has none for is one nobody was asked about; only what may be no mark at all, a bare `data-name`, is left alone.
 * Returns whether it is ours now.
 */
export const translate = (el: HTMLElement): boolean => {
  const { cookieconsent, iubPurposes, usercentrics, name } = el.dataset;
  const groups = el.className.match(/optanon-category-([\w-]+)/)?.[1]?.replace(/-/g, ' ');
  const named = cookieconsent ?? iubPurposes ?? groups;
  const src = el.dataset.cookieblockSrc ?? el.dataset.suppressedsrc;
  const vendor = vendors[vendors.findIndex(([key], i) => (usercentrics ? vendorNames[i] === usercentrics : key === name))];
  if (named !== undefined)
    el.dataset.category = named
      .split(/[\s,]+/)
      .map((word) => {
        const letter = words.find(([, known]) => known.test(word))?.[0] ?? word;
        return categories[like.indexOf(letter)] ?? (letter === 'n' ? 'necessary' : word);
      })
      .join(' ');
  else if (vendor || usercentrics) {
    el.dataset.category = vendor ? categories[vendor[1]] : usercentrics;
    el.dataset.service = vendor?.[0] ?? usercentrics;
  } else return false;
  if (src) el.dataset.src = src;
  return true;
};
