import { policyKey, site } from 'volenti:notice';
import { accept, ask as text, ok, opt_out, policy, reject, settings, signal, title } from 'volenti:wording';
import { all } from '../gate/decide';
import type { Action, Gate } from '../gate/types';
import css from './ask.css';
import { dress, h, place } from './dom';
import { look } from './theme';

const gap = 'max(var(--volenti-gap,12px),env(safe-area-inset-bottom))';

const inset = VOLENTI.position === 'center' ? `0 ${gap}` : VOLENTI.position === 'top' ? `${gap} ${gap} auto` : `auto ${gap} ${gap}`;
const width = VOLENTI.position === 'center' ? '32em' : VOLENTI.position === 'bottom' || VOLENTI.position === 'top' ? '70em' : '26em';
const margin = VOLENTI.position === 'bottom-start' ? '0 auto' : VOLENTI.position === 'bottom-end' ? 'auto 0' : 'auto';

/**
 * The first layer. It asks and does not insist: not modal, takes no focus, has no way to close it that could be
 * mistaken for consent. Text and buttons are light-DOM children, because visitors' refusal tools don't enter shadow roots.
 */
export const ask = (gate: Gate): (() => void) => {
  const optIn = VOLENTI.surface === 'opt-in';
  const button = (name: string, label: string, onclick: (e: Event) => void, more?: object): Node =>
    h('button', { type: 'button', slot: 'actions', 'data-volenti': name, onclick, ...more }, label);
  const answer = (name: string, label: string, choice: '1' | '0' | '-', action: Action): Node =>
    button(name, label, () => {
      gate.decide(all(choice), action, 'banner');
      remove();
    });

  const words = h('div', { className: 'text', part: 'text' }, h('slot'));
  const host = place(
    dress(
      h(
        'volenti-banner',
        { role: 'region', 'aria-label': title, 'data-nosnippet': '' },
        h('p', {}, title),
        h('p', {}, text),
        ...(gate.signal ? [h('p', {}, signal)] : []),
        answer('reject', optIn ? reject : opt_out, '0', 'reject_all'),
        // An OK under a notice chooses nothing.
        optIn ? answer('accept', accept, '1', 'accept_all') : answer('accept', ok, '-', 'acknowledge'),
        button('settings', settings, (e) => gate.settings(e.currentTarget as Element), { onpointerenter: gate.warm, onfocus: gate.warm }),
        h('a', { slot: 'actions', href: VOLENTI.policyURL || `${gate.base}/policies/${site}/${policyKey}`, target: '_blank' }, policy),
      ),
      `${css + look}:host{inset:${inset}!important;max-width:var(--volenti-width,${width})!important;margin:auto!important;margin-inline:${margin}!important}`,
      h('div', { className: 'panel', part: 'panel' }, words, h('div', { className: 'actions', part: 'actions' }, h('slot', { name: 'actions' }))),
    ),
  );
  // What scrolls must be reachable by keyboard, what does not must not cost a Tab.
  if (words.scrollHeight > words.clientHeight) words.tabIndex = 0;
  const remove = (): void => host.remove();
  return remove;
};
