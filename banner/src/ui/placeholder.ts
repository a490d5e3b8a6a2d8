import { allow as allowLabel, blocked, signal_over } from 'volenti:wording';
import { page } from '../gate/page';
import { dress, h } from './dom';
import css from './placeholder.css';
import { look } from './theme';

// What decides where a box stands and how big it is.
const box =
  'position inset float margin border box-sizing width height min-width max-width min-height max-height aspect-ratio flex align-self justify-self grid-area vertical-align';

/**
 * Stands in for a gated frame, in its very box, until it is allowed: says what is missing and how to get it.
 * With `signal` also that allowing it
 * outranks the browser's opt-out signal. Returns how to take it away, which gives the box back.
 */
export const placeholder = (el: HTMLElement, vendorName: string, categoryLabel: string, allow: () => void, signal?: boolean): (() => void) => {
  const text = blocked.replace('{vendor}', () => vendorName).replace('{category}', () => categoryLabel);
  const host = dress(
    h('volenti-placeholder'),
    css + look,
    h(
      'div',
      { part: 'panel' },
      h('p', {}, text),
      ...(signal ? [h('p', {}, signal_over)] : []),
      h('button', { type: 'button', part: 'button', title: text, 'data-volenti': 'allow', onclick: allow }, allowLabel),
    ),
  );
  const set = (name: string, value: string): void => host.style.setProperty(name, value, 'important');
  const style = getComputedStyle(el);
  const { display } = style;
  const own = el.style.display;
  // Of an element without a box, the computed style keeps what was written (100 %, auto) where it would else give pixels:
  // so the stand-in goes on following its container. What a media query says is taken over again when it may have changed.
  el.style.setProperty('display', 'none', 'important');
  const follow = (): void => {
    for (const name of box.split(' ')) set(name, style.getPropertyValue(name));
    if (style.width === 'auto') set('width', 'fit-content');
  };
  follow();
  addEventListener('resize', follow);
  set('display', display === 'inline' ? 'inline-block' : display);
  el.before(host);
  return () => {
    const focused = page.activeElement === host;
    removeEventListener('resize', follow);
    host.remove();
    el.style.display = own;
    if (focused) el.focus();
  };
};
