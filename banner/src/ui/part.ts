import { categories, labels, vendorNames, vendors } from 'volenti:notice';
import { new_parts, open_parts, other_choices } from 'volenti:wording';
import type { Gate } from '../gate/types';

/** Names what is open, a vendor with its category: as new where the notice asks for more than it did. */
export const part = ({ boot }: Gate, open: readonly number[]): string => {
  const name = (i: number): string => {
    const vendor = i - categories.length - 1;
    return labels[i] ?? `${vendorNames[vendor]} (${labels[vendors[vendor]![1]]})`;
  };
  return (boot.f ? new_parts : open_parts).replace('{new}', () => open.map(name).join(', ')) + ' ' + other_choices;
};
