import { pending, recorded, remains as remainsLabel, settings, shared_from, signal as signalText, undo as undoLabel, undone as undoneText } from 'volenti:wording';
import { page } from '../gate/page';
import type { Gate } from '../gate/types';
import { dress, h, place, toReopen } from './dom';
import css from './status.css';
import { look } from './theme';

/** What can be done about a choice that was just made. */
interface More {
  readonly undo?: (() => void) | undefined;
  readonly undone?: boolean;
  readonly signal?: boolean;
  readonly remains?: boolean;
  readonly from?: string;
}

/** How long it is said, in milliseconds. Whoever points at it or has focus in it is not hurried (WCAG 2.2.1). */
const patience = 1e4;

const button = (name: string, label: string, press: (e: Event) => void): HTMLElement =>
  h('button', { type: 'button', part: 'button', 'data-volenti': name, onclick: press }, label);

/**
 * Says, to eye and screen reader, that the choice just made is recorded; or, if the server has not answered after two
 * seconds, that it applies already. For ten seconds it can be taken back, and who lost consent but may still hold something
 * can be looked up. The region stands empty first: text that comes with its live region is not read out. Returns how to
 * say no more.
 */
export const say = (gate: Gate, { undo, undone, remains, signal, from }: More): (() => void) => {
  let timer = 0;
  let over = undone;
  const line = h('div', { role: 'status' });
  const panel = h('div', { className: 'panel', part: 'panel' }, line);
  const host = place(dress(h('volenti-status'), css + look, panel));
  const end = (): void => {
    stop();
    clearTimeout(timer);
    host.remove();
  };
  const hurry = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(end, patience);
  };
  const wait = (): void => clearTimeout(timer);
  const more = remains ? [button('remains', remainsLabel, (e) => gate.settings(e.currentTarget as Element))] : [];
  if (VOLENTI.share && from) more.push(button('settings', settings, (e) => gate.settings(e.currentTarget as Element)));
  const back = undo && [
    button('undo', undoLabel, () => {
      over = true;
      panel.replaceChildren(line);
      undo();
      // A first layer that is back stands at the edge of the window where this would cover it.
      if (VOLENTI.position !== 'top' && page.querySelector('volenti-banner')) panel.className += ' high';
      else if (page.activeElement === page.body) toReopen();
      tell();
      hurry();
    }),
  ];
  const tell = (otherwise = line.textContent): void => {
    const text = over ? undoneText : signal ? signalText : VOLENTI.share && from ? shared_from.replace('{origin}', () => new URL(from).hostname) : gate.decision?.r ? recorded : otherwise;
    if (!text || text === line.textContent) return;
    if (!line.textContent) {
      panel.append(...(back ?? []), ...more);
      hurry();
    }
    line.textContent = text;
  };
  const stop = VOLENTI.share && from ? () => {} : gate.changed(() => tell());
  setTimeout(tell, over || (VOLENTI.share && from) ? 200 : 2000, pending);
  for (const event of ['pointerenter', 'focusin']) panel.addEventListener(event, wait);
  for (const event of ['pointerleave', 'focusout']) panel.addEventListener(event, hurry);
  return end;
};
