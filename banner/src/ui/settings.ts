import {
  categories,
  controller,
  details,
  like,
  policyKey,
  vendorDetails,
  vendorNames,
  vendors,
} from 'volenti:notice';
import {
  accept,
  always,
  close as closeLabel,
  data_goes_to,
  decided,
  kind_cache,
  kind_cookie,
  kind_indexeddb,
  kind_local,
  kind_session,
  kind_worker,
  no_partners,
  not_decided,
  partners,
  pending,
  policy,
  receipt as receiptLabel,
  reject,
  remains,
  remains_about,
  remains_at,
  responsible,
  save,
  settings_about,
  settings_title,
  shared,
  dnt_forward,
  dnt_ignore,
  dnt_opt_out,
  signal,
  signal_over,
  stored,
  until_closed,
  until_deleted,
  vendor_policy,
  withdraw,
} from 'volenti:wording';
import { grants } from '../gate/age';
import { all } from '../gate/decide';
import { page } from '../gate/page';
import { honored } from '../gate/part';
import type { Action, Choices, Gate } from '../gate/types';
import { box, boxSheet, sure } from './age';
import frame from './dialog.css';
import { dress, h, place, toReopen } from './dom';
import css from './settings.css';
import { look } from './theme';

/** "13 months" as the language says it; a session and "persistent" have words of their own. */
const last = (duration: string): string => {
  const [, count, unit] = /^(\d+) (second|minute|hour|day|week|month|year)s?$/.exec(duration) ?? [];
  if (unit) return new Intl.NumberFormat(VOLENTI.language, { style: 'unit', unit, unitDisplay: 'long' }).format(+count!);
  return duration === 'session' ? until_closed : duration === 'persistent' ? until_deleted : duration;
};

const link = (href: string, text: string): Node => h('a', { href, target: '_blank' }, text);

const button = (name: string, label: string, press: () => void): Node =>
  h('button', { type: 'button', 'data-volenti': name, onclick: press }, label);

const toggle = (of: 'category' | 'vendor', key: string, checked: boolean, disabled: boolean): HTMLInputElement =>
  h('input', { type: 'checkbox', role: 'switch', [`data-volenti-${of}`]: key, checked, disabled });

const kinds = [kind_cookie, kind_local, kind_session, kind_indexeddb, kind_cache, kind_worker];

/** A vendor: its switch, where data goes, its policy, what it stores (name, kind, duration, purpose). */
const vendorBlock = (index: number, input: HTMLInputElement): Node[] => {
  const name = vendorNames[index]!;
  const { country, url, stored: entries } = vendorDetails[index]!;
  return [
    h('h4', {}, h('label', {}, h('span', {}, name), input)),
    h(
      'small',
      {},
      country && data_goes_to.replace('{country}', () => new Intl.DisplayNames(VOLENTI.language, { type: 'region' }).of(country) ?? country) + ' ',
      url && link(url, vendor_policy.replace('{vendor}', () => name)),
    ),
    h(
      'ul',
      { 'aria-label': stored },
      ...entries.map((e) => h('li', {}, h('code', {}, e.name), ` · ${kinds[e.kind]} · ${last(e.duration)}`, h('br'), e.purpose)),
    ),
  ];
};

/** Who was allowed before, is not now, and may still hold something: what it keeps on its own domains, and where to turn. */
const holding = ({ decision, now }: Gate): Node[] => {
  const all = vendorDetails.flatMap(({ url, optOut, stored: entries }, i) => {
    const name = vendorNames[i]!;
    if (decision?.h?.[i] !== '1' || now.split('.')[1]![i] !== '0') return [];
    const foreign = entries.filter((e) => e.foreign).flatMap((e) => [' · ', h('code', {}, e.name)]);
    const links = [
      [optOut, remains_at],
      [url, vendor_policy],
    ].flatMap(([href, text]) => (href ? [h('br'), link(href, text!.replace('{vendor}', () => name))] : []));
    return h('li', {}, h('b', {}, name), ...foreign, ...links);
  });
  return all.length ? [h('h3', {}, remains), h('p', {}, remains_about), h('ul', { 'data-volenti': 'remaining' }, ...all)] : [];
};

/**
 * The second layer. Closing it, by its button or Escape, changes nothing. Nothing is ticked but what runs now, so nothing
 * optional is before a decision where the law asks for opt-in.
 */
export const open = (gate: Gate, from?: Element | null): void => {
  if (page.querySelector('[data-volenti=dialog]')) return;
  const [ofCategory, ofVendor] = gate.now.split('.') as [string, string];
  const vendorInputs = vendors.map(([key, c], i) =>
    toggle('vendor', key, (ofVendor[i] === '-' ? ofCategory[c] : ofVendor[i]) === '1', like[c] === 'n'),
  );
  const sections = categories.map((key, c) => {
    const locked = like[c] === 'n';
    const input = toggle('category', key, locked || ofCategory[c] === '1', locked);
    const mine = vendorInputs.filter((_, i) => vendors[i]![1] === c);
    const count = h('summary');
    // Partly on keeps what the category itself was last set to; vendors that join later follow that.
    const follow = (): void => {
      const on = mine.filter((vendor) => vendor.checked).length;
      count.textContent = `${partners} (${on}/${mine.length})`;
      if (on === mine.length || !on) input.checked = mine.length ? on > 0 : input.checked;
      input.indeterminate = on > 0 && on < mine.length;
    };
    input.onchange = () => {
      for (const vendor of mine) vendor.checked = input.checked;
      follow();
    };
    for (const vendor of mine) vendor.onchange = follow;
    follow();
    return {
      input,
      section: h(
        'section',
        {},
        h('h3', {}, h('label', {}, h('span', {}, details[c]!.label), locked ? h('small', {}, always) : '', input)),
        h('p', {}, details[c]!.about),
        gate.signal && like[c] === 'm' ? h('p', {}, signal_over) : '',
        mine.length
          ? h('details', {}, count, ...vendors.flatMap((v, i) => (v[1] === c ? vendorBlock(i, vendorInputs[i]!) : [])))
          : h('small', {}, no_partners),
      ),
    };
  });

  const bit = (input: HTMLInputElement): string => (input.checked ? '1' : '0');
  const chosen = (): Choices =>
    sections.map(({ input }) => bit(input)).join('') +
    '.' +
    vendors.map(([, c], i) => (vendorInputs[i]!.checked === sections[c]!.input.checked ? '-' : bit(vendorInputs[i]!))).join('');
  const answer = (name: string, label: string, choices: () => Choices, action: Action): Node =>
    button(name, label, () => {
      if (VOLENTI.age && grants(choices()) && !sure(gate, panel)) return;
      gate.decide(choices(), action, 'settings');
      dialog.close();
    });

  let blob = '';
  const status = h('div', { className: 'status' });
  const refresh = (): void => {
    const d = gate.decision;
    const line = h('p', {}, d ? decided.replace('{date}', () => new Intl.DateTimeFormat(VOLENTI.language, { dateStyle: 'long', timeStyle: 'short' }).format(d.a * 1000)) : not_decided, ' ');
    status.replaceChildren(line, honored(gate) ? h('p', {}, signal) : '');
    if (!d) return;
    if ([...d.c].some((x, i) => x === '1' && like[i] !== 'n')) status.append(answer('withdraw', withdraw, () => all('0'), 'withdraw'));
    status.append(...holding(gate));
    void gate
      .receipt()
      .catch(() => undefined)
      .then((text) => {
        URL.revokeObjectURL(blob);
        if (text) {
          blob = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
          line.append(h('a', { href: blob, download: 'volenti-receipt.json' }, receiptLabel));
        } else if (!d.r) line.append(pending);
      });
  };

  const { name, address, contact } = controller;
  const panel = dress(
    h('div'),
    css + look + (VOLENTI.age ? boxSheet : ''),
    h('div', { className: 'head' }, h('h2', {}, settings_title), h('button', { type: 'button', 'data-volenti': 'close', 'aria-label': closeLabel, onclick: () => dialog.close() }, '✕')),
    h(
      'div',
      { className: 'body' },
      h('p', {}, settings_about),
      ...(VOLENTI.share ? [h('p', {}, shared)] : []),
      status,
      ...sections.map(({ section }) => section),
      h('p', {}, VOLENTI.dnt === 'forward' ? dnt_forward : VOLENTI.dnt === 'opt-out' ? dnt_opt_out : dnt_ignore),
      h(
        'address',
        {},
        responsible.replace('{controller}', () => name),
        `\n${address}\n`,
        link(/^https?:/.test(contact) ? contact : `mailto:${contact}`, contact),
        '\n',
        link(VOLENTI.policyURL || `${gate.base}/policies/${VOLENTI.site}/${policyKey}`, policy),
      ),
    ),
    ...(VOLENTI.age ? [box(gate)] : []),
    h(
      'div',
      { className: 'foot' },
      answer('reject', reject, () => all('0'), 'reject_all'),
      answer('accept', accept, () => all('1'), 'accept_all'),
      answer('save', save, chosen, 'save'),
    ),
  );
  // In the light DOM the dialog is what has focus, to the page and to tools; its content is out of the page's reach.
  const dialog = h('dialog', { 'aria-label': settings_title }, panel);
  const host = place(dress(h('volenti-banner', { 'data-volenti': 'dialog', 'data-nosnippet': '' }, dialog), frame, h('slot')));
  const stop = gate.changed(refresh);
  dialog.onclose = () => {
    stop();
    URL.revokeObjectURL(blob);
    host.remove();
    if (from?.isConnected) (from as HTMLElement).focus();
    else toReopen();
  };
  refresh();
  dialog.showModal();
};
