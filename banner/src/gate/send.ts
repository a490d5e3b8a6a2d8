import { categories, like, vendors } from 'volenti:notice';
import { asked, grants } from './age';
import { keyed } from './keyed';
import { dnt, gpc } from './signals';
import type { Action, Boot, Choices, Sent, Surface } from './types';

/** A decision as it is sent: what was not asked is not named, but for vendors that would else go with their category. Its id makes sending it twice the same as sending it once; ids of one time are neighbours where the server keeps them. */
export const draft = (boot: Boot, choices: Choices, action: Action, surface: Surface, previous: string | undefined): Sent => ({
  id: [Date.now(), ...crypto.getRandomValues(new Uint32Array(4))].join('-'),
  token: boot.t,
  ...unasked(choices),
  ...keyed((i) => ('-_'.includes(choices[i]!) || like[i] === 'n' ? undefined : choices[i] === '1')),
  action,
  surface,
  at: Date.now(),
  gpc: gpc(),
  dnt: dnt(),
  previous,
  ...(VOLENTI.age && action !== 'signal' && action !== 'share' && grants(choices) ? { of_age: asked(boot) } : {}),
});

const unasked = (choices: Choices): { open?: readonly string[] } => {
  const open = vendors.flatMap(([key, category], i) => (choices[categories.length + 1 + i] === '_' && like[category] !== 'n' ? [key] : []));
  return open.length ? { open } : {};
};

/**
 * Sends a decision, once all that follows from it in this page is done: what is deleted then must not be the cookie that the
 * answer brings. The browser goes on with it when the page is left meanwhile. Rejects in a page that broke fetch.
 */
export const post = async (base: string, sent: Sent): Promise<Response> => {
  await undefined;
  return fetch(`${base}/v1/sites/${VOLENTI.site}/decisions`, {
    method: 'POST',
    keepalive: true,
    credentials: 'include',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sent),
  });
};
