import { adapters } from 'volenti:adapters';
import { labels, vendorNames } from 'volenti:notice';
import { createGate } from '../gate/gate';
import type { GateModule, Head } from '../gate/head';
import { placeholder } from '../ui/placeholder';
import { reopen } from '../ui/reopen';

// The gate: a module that all pages of a site share, fetched by the script that stands first in <head>.
export const start: GateModule['start'] = (head: Head) =>
  createGate(head, adapters, {
    reopen,
    placeholder: (el, category, vendor, allow) =>
      placeholder(el, vendorNames[vendor] ?? new URL(el.getAttribute('data-src') ?? '', location.href).hostname, labels[category]!, allow),
  });
