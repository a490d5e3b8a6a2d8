import type { Trust } from './trust';

/**
 * Attributes that name what an element fetches. What is held stands in the member of the dataset of that name. What comes
 * first here spares a fetch of what comes later.
 */
export const names = ['srcdoc', 'srcset', 'src', 'poster', 'data', 'href'];

/** Gives an element back what it fetches. Values under Trusted Types go through the policy. */
export const giveBack = (el: HTMLElement, trust: Trust): void => {
  for (const name of names) {
    const value = el.getAttribute('data-' + name);
    el.removeAttribute('data-' + name);
    if (value) el.setAttribute(name, name === 'srcdoc' ? trust.createHTML(value) : trust.createScriptURL(value));
  }
};
