import { categories, vendors } from 'volenti:notice';
import type { Choices } from './types';

/** What stands for an element that is marked. */
export interface Marked {
  readonly dataset: { readonly category?: string | undefined; readonly service?: string | undefined };
  /** It is kept on the device, not loaded. */
  readonly kept?: true;
}

/** What an element is marked with: indices of its categories (-1: necessary, without a category of its own) and of its vendor (-1: none). */
export interface Marks {
  readonly categories: readonly number[];
  readonly vendor: number;
}

/**
 * Undefined if an element names a category or a vendor that the notice does not have: nobody was asked about that, so
 * it is never released.
 */
export const marks = (el: Element | Marked): Marks | undefined => {
  const { category = '', service } = (el as Marked).dataset;
  const keys = category.split(/[\s,]+/);
  const vendor = vendors.findIndex((v) => v[0] === service);
  const known = keys.every((key) => key === 'necessary' || categories.includes(key)) && (!service || vendor >= 0);
  return known ? { categories: keys.map((key) => categories.indexOf(key)), vendor } : undefined;
};

/**
 * Whether an element may load: its vendor may, if it names one; and all its categories, but for the one its vendor is of.
 * In the advanced mode of Consent Mode Google's tags load in any case, and heed what they are told.
 */
export const allows = (now: Choices, el: Element | Marked): boolean => {
  const [ofCategory, ofVendor] = now.split('.') as [string, string];
  const marked = marks(el);
  return (
    !!marked &&
    ((VOLENTI.googleAdvanced && !(el as Marked).kept && VOLENTI.googleVendors.includes(marked.vendor)) ||
      ((marked.vendor < 0 || ofVendor[marked.vendor] === '1') &&
        marked.categories.every((c) => c < 0 || vendors[marked.vendor]?.[1] === c || ofCategory[c] === '1')))
  );
};
