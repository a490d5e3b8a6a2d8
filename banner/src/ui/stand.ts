import { title } from 'volenti:wording';
import { page } from '../gate/page';
import frame from './dialog.css';
import { dress, h, place } from './dom';
import inlineSheet from './inline.css';
import modalSheet from './modal.css';

// Where the first layer stands other than over the page. Each way gives a sheet, and puts a host in its place; what it
// returns takes the host away, or brings it back.

/** Takes the first layer away, or shows it again. */
export type Show = (again?: boolean) => unknown;

export { inlineSheet, modalSheet };

/**
 * A modal dialog: the page waits for an answer. Escape, and every other way a browser has to close a dialog, answers
 * nothing: it opens again. Focus is on the dialog itself, so that neither answer is one key nearer.
 */
export const modal = (host: HTMLElement): Show => {
  const dialog = h('dialog', { 'aria-label': title, tabIndex: -1 }, host);
  const open = (): void => {
    dialog.showModal();
    dialog.focus();
  };
  const outer = dress(h('volenti-banner', { 'data-nosnippet': '' }, dialog), frame, h('slot'));
  dialog.addEventListener('keydown', (e) => e.key === 'Escape' && e.preventDefault());
  dialog.addEventListener('close', () => outer.isConnected && open());
  return (again) => {
    if (!again) {
      outer.remove();
      // Else it is one that is open and not modal, which nothing opens again.
      return dialog.close();
    }
    place(outer);
    open();
  };
};

/**
 * In the page's own `<volenti-banner>`, as soon as the parser has read it, which is before it is painted: nothing shifts.
 * A page that has none is still asked, at the edge of the window; one that puts its own in later gets it there.
 */
export const inline = (host: HTMLElement): Show => {
  const own = h('volenti-banner');
  const put = (): void => {
    const spot = [...page.querySelectorAll<HTMLElement>('volenti-banner:not([data-volenti])')].find((el) => el !== own);
    if (spot) own.remove();
    else if (page.readyState !== 'loading' && !own.isConnected) place(own);
    const into = spot ?? own;
    host.className = spot ? 'in' : '';
    if (host.parentNode !== into) into.append(host);
  };
  const observer = new MutationObserver(put);
  const ready = (): void => put();
  return (again) => {
    observer.disconnect();
    page.removeEventListener('DOMContentLoaded', ready);
    if (!again) {
      own.remove();
      host.remove();
      return;
    }
    observer.observe(document, { childList: true, subtree: true });
    page.addEventListener('DOMContentLoaded', ready);
    put();
  };
};
