import { policyKey } from 'volenti:notice';
import { accept, ask as text, ok, opt_out, policy, reject, settings, shared, signal, signal_over, title } from 'volenti:wording';
import { all } from '../gate/decide';
import type { Action, Gate } from '../gate/types';
import { box, boxSheet, sure } from './age';
import ageSheet from './ageask.css';
import css from './ask.css';
import { dress, h, place } from './dom';
import logoSheet from './logo.css';
import { inline, inlineSheet, modal, modalSheet, type Show } from './stand';
import { look } from './theme';

const gap = 'max(var(--volenti-gap,12px),env(safe-area-inset-bottom))';

const inset = VOLENTI.position === 'center' ? `0 ${gap}` : VOLENTI.position === 'top' ? `${gap} ${gap} auto` : `auto ${gap} ${gap}`;
const width = VOLENTI.position === 'center' ? '32em' : VOLENTI.position === 'bottom' || VOLENTI.position === 'top' ? '70em' : '26em';
const margin = VOLENTI.position === 'bottom-start' ? '0 auto' : VOLENTI.position === 'bottom-end' ? 'auto 0' : 'auto';
const align = VOLENTI.position === 'center' ? 'center' : VOLENTI.position === 'top' ? 'start' : 'end';
const sheet = `${css + look}:host{inset:${inset}!important;max-width:var(--volenti-width,${width})!important;margin:auto!important;margin-inline:${margin}!important}${
  VOLENTI.modal ? `${modalSheet}:host{align-self:${align}!important;margin-block:${gap}!important;margin-inline:${margin.replace('0', gap)}!important}` : VOLENTI.position === 'inline' ? inlineSheet : ''
}${VOLENTI.age ? boxSheet + ageSheet : ''}${VOLENTI.logo && logoSheet}${VOLENTI.logo && VOLENTI.rtl ? '::slotted(img){object-position:right!important}' : ''}`;

/**
 * The first layer. Where a part of a decision is open its text and its answers are about that alone. It asks and does not insist: unless the notice says so it is not modal and takes no focus, and it has
 * no way to close it that could be mistaken for consent. Text and buttons are light-DOM children, because visitors' refusal tools don't enter shadow roots.
 */
export const ask = (gate: Gate): Show => {
  const optIn = VOLENTI.surface === 'opt-in';
  const button = (name: string, label: string, onclick: (e: Event) => void, more?: object): Node =>
    h('button', { type: 'button', slot: 'actions', 'data-volenti': name, onclick, ...more }, label);
  const { part, decision } = gate;
  const answer = (name: string, label: string, choice: '1' | '0' | '-', action: Action): Node =>
    button(name, label, () => {
      if (VOLENTI.age && choice === '1' && !sure(gate, host)) return;
      // What a signal decided stands, also for somebody who has read that it did.
      if (choice === '-' && gate.decision) gate.decide(gate.decision.c, 'save', 'banner');
      else if (part && choice !== '-') part.answer(choice);
      else gate.decide(all(choice), action, 'banner');
      show();
    });

  const words = h('div', { className: 'text', part: 'text' }, h('slot'));
  const host = dress(
    h(
      VOLENTI.modal || VOLENTI.position === 'inline' ? 'div' : 'volenti-banner',
      VOLENTI.modal ? { onpointerenter: gate.ahead } : { role: 'region', 'aria-label': title, 'data-nosnippet': '', onpointerenter: gate.ahead },
      ...(VOLENTI.logo ? [h('img', { src: VOLENTI.logo, alt: VOLENTI.controller, referrerPolicy: 'no-referrer' })] : []),
      h('p', {}, title),
      h('p', {}, part?.text ?? text),
      ...(VOLENTI.share ? [h('p', {}, shared)] : []),
      ...(gate.signal && !decision?.s ? [h('p', {}, signal)] : []),
      ...(gate.signal ? [h('p', {}, signal_over)] : []),
      answer('reject', optIn ? reject : opt_out, '0', 'reject_all'),
      // An OK under a notice chooses nothing.
      optIn ? answer('accept', accept, '1', 'accept_all') : answer('accept', ok, '-', 'acknowledge'),
      button('settings', settings, (e) => gate.settings(e.currentTarget as Element), { onpointerenter: gate.warm, onfocus: gate.warm }),
      h('a', { slot: 'actions', href: VOLENTI.policyURL || `${gate.base}/policies/${VOLENTI.site}/${policyKey}`, target: '_blank' }, policy),
    ),
    sheet,
    h('div', { className: 'panel', part: 'panel' }, words, h('div', { className: 'actions', part: 'actions' }, ...(VOLENTI.age ? [box(gate)] : []), h('slot', { name: 'actions' }))),
  );
  const show: Show = VOLENTI.modal ? modal(host) : VOLENTI.position === 'inline' ? inline(host) : (again) => (again ? place(host) : host.remove());
  show(true);
  // What scrolls must be reachable by keyboard, what does not must not cost a Tab.
  if (words.scrollHeight > words.clientHeight) words.tabIndex = 0;
  return show;
};
