import { allow as allowLabel, blocked } from 'volenti:wording';
import { dress, h } from './dom';
import css from './placeholder.css';
import { look } from './theme';

// Everything that decides where a box stands and how big it is.
const box =
  'position inset float clear margin border box-sizing width height min-width min-height max-width max-height aspect-ratio flex align-self justify-self order grid-area vertical-align';

/**
 * Stands in for a gated frame, in its very box, until it is allowed: says what is missing and how to get it.
 * Returns how to take it away, which gives the box back.
 */
export const placeholder = (el: HTMLElement, vendorName: string, categoryLabel: string, allow: () => void): (() => void) => {
  const text = blocked.replace('{vendor}', () => vendorName).replace('{category}', () => categoryLabel);
  const host = dress(
    h('volenti-placeholder'),
    css + look,
    h(
      'div',
      { className: 'panel', part: 'panel' },
      h(
        'div',
        { className: 'fill' },
        h('p', {}, text),
        h('button', { type: 'button', part: 'button', title: text, 'data-volenti': 'allow', onclick: allow }, allowLabel),
      ),
    ),
  );
  const style = getComputedStyle(el);
  const display = style.display;
  const own = el.style.getPropertyValue('display');
  const weight = el.style.getPropertyPriority('display');
  const set = (name: string, value: string): void => host.style.setProperty(name, value, 'important');
  // Of an element without a box, the computed style keeps what was written (100 %, auto) where it would else give pixels:
  // so the stand-in goes on following its container.
  el.style.setProperty('display', 'none', 'important');
  for (const name of box.split(' ')) set(name, style.getPropertyValue(name));
  set('display', display === 'inline' ? 'inline-block' : display);
  // With overflow hidden the baseline is the bottom edge, as a frame's is.
  set('overflow', 'hidden');
  // A frame without a size is 300 by 150 (css-sizing, "default object size").
  if (style.width === 'auto') set('width', '300px');
  if (style.height === 'auto' && style.aspectRatio === 'auto') set('height', '150px');
  el.before(host);
  return () => {
    host.remove();
    el.style.setProperty('display', own, weight);
  };
};
