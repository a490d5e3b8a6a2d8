import { policyKey, policyURL, position, site } from 'volenti:notice';
import { surface } from 'volenti:surface';
import { accept, ask as text, ok, opt_out, policy, reject, settings, signal, title } from 'volenti:wording';
import { all } from '../gate/decide';
import type { Action, Gate } from '../gate/types';
import css from './ask.css';
import { dress, h, place, toReopen } from './dom';
import { say } from './status';
import { look } from './theme';

const gap = 'max(var(--volenti-gap,12px),env(safe-area-inset-bottom))';

// inset / widest / margin-inline
const [inset, width, margin] = {
  bottom: [`auto ${gap} ${gap}`, '70em', 'auto'],
  'bottom-start': [`auto ${gap} ${gap}`, '26em', '0 auto'],
  'bottom-end': [`auto ${gap} ${gap}`, '26em', 'auto 0'],
  top: [`${gap} ${gap} auto`, '70em', 'auto'],
  center: [`0 ${gap}`, '32em', 'auto'],
}[position];

/**
 * The first layer. It asks and does not insist: not modal, takes no focus, has no way to close it that could be
 * mistaken for consent. Text and buttons are light-DOM children, because visitors' refusal tools don't enter shadow roots.
 */
export const ask = (gate: Gate): (() => void) => {
  const optIn = surface === 'opt-in';
  const button = (name: string, label: string, press: (e: Event) => void): Node =>
    h('button', { type: 'button', slot: 'actions', 'data-volenti': name, onclick: press }, label);
  const answer = (name: string, label: string, choice: '1' | '0' | '-', action: Action): Node =>
    button(name, label, () => {
      gate.decide(all(choice), action, 'banner');
      remove();
      toReopen();
      say(gate);
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
        button('settings', settings, (e) => gate.settings(e.currentTarget as Element)),
        h('a', { slot: 'actions', href: policyURL || `${gate.base}/policies/${site}/${policyKey}`, target: '_blank' }, policy),
      ),
      `${css + look}:host{inset:${inset}!important;max-width:var(--volenti-width,${width})!important;margin:auto!important;margin-inline:${margin}!important}`,
      h('div', { className: 'panel', part: 'panel' }, words, h('div', { className: 'actions', part: 'actions' }, h('slot', { name: 'actions' }))),
    ),
  );
  // What scrolls must be reachable by keyboard, what does not must not cost a Tab.
  const resize = new ResizeObserver(() => {
    if (words.scrollHeight > words.clientHeight) words.tabIndex = 0;
    else words.removeAttribute('tabindex');
  });
  resize.observe(words);
  const remove = (): void => {
    resize.disconnect();
    host.remove();
  };
  return remove;
};
