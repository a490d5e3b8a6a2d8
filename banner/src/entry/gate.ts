import { adapters } from 'volenti:adapters';
import { labels, like, vendorNames } from 'volenti:notice';
import { createCore, type GateModule } from '../gate/core';
import { followDialects } from '../gate/dialects';
import { judge } from '../gate/head';
import { blocking } from '../gate/blocking';
import { carry } from '../gate/carried';
import { page } from '../gate/page';
import { createEngine } from '../gate/release';
import { attach as attachTo, type Layers } from '../gate/rest';
import { reload } from '../gate/whole';
import { toReopen } from '../ui/dom';
import { part } from '../ui/part';
import { placeholder } from '../ui/placeholder';
import { reopen } from '../ui/reopen';
import { say } from '../ui/status';

// The gate: a module that all pages of a site share and the browser keeps.
const layers: Layers = {
  reopen,
  placeholder: (el, category, vendor, allow, signal) =>
    placeholder(
      el,
      vendorNames[vendor] ?? new URL(el.getAttribute('data-src') ?? '', location.href).hostname,
      labels[category]!,
      allow,
      signal && like[category] === 'm',
    ),
  part,
  say(gate, more) {
    if (page.activeElement === page.body) toReopen();
    return say(gate, more);
  },
};

export const attach: GateModule['attach'] = (core) => {
  if (VOLENTI.blocking) blocking(core);
  followDialects(core.head.trust);
  // What was just granted is fetched meanwhile; where nobody decided in this page, another tab may have, which the rest reads.
  const { turn } = core;
  if (turn) core.engage(createEngine);
  attachTo(core, layers);
  carry(core, () => turn || core.engage(createEngine));
};

export const start: GateModule['start'] = (head) => {
  // A cached answer for somebody who had decided, and there is no decision any more: only a fresh script can ask.
  if (judge(head).ask && !head.fresh) reload(head);
  else attach(createCore(head, adapters, true));
};
