import { categories, vendors } from 'volenti:notice';
import type { Choices } from './types';

/**
 * Index of the category and of the vendor (-1: none) that an element is marked with. Undefined if it names one that
 * the notice does not have: nobody was asked about that, so it is never released.
 */
export const marks = (el: Element): readonly [category: number, vendor: number] | undefined => {
  const key = el.getAttribute('data-category');
  const service = el.getAttribute('data-service');
  const category = categories.indexOf(key!);
  const vendor = vendors.findIndex((v) => v[0] === service);
  return (category < 0 && key !== 'necessary') || (service && vendor < 0) ? undefined : [category, vendor];
};

/** Whether an element may load: its vendor may, if it names one; and its category, unless the vendor is of that category. */
export const allows = (now: Choices, el: Element): boolean => {
  const [ofCategory, ofVendor] = now.split('.') as [string, string];
  const [category, vendor] = marks(el) ?? [categories.length, -1];
  return (vendor < 0 || ofVendor[vendor] === '1') && (category < 0 || vendors[vendor]?.[1] === category || ofCategory[category] === '1');
};
