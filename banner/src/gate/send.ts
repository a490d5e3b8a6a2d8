import { like, site } from 'volenti:notice';
import { keyed } from './keyed';
import { dnt, gpc } from './signals';
import type { Action, Choices, Sent, Surface } from './types';

/** A decision as it is sent: what was not asked is not named. Its id makes sending it twice the same as sending it once. */
export const draft = (token: string, choices: Choices, action: Action, surface: Surface, previous: string | undefined): Sent => ({
  id: crypto.getRandomValues(new Uint32Array(4)).join('-'),
  token,
  ...keyed((i) => (choices[i] === '-' || like[i] === 'n' ? undefined : choices[i] === '1')),
  action,
  surface,
  at: Date.now(),
  gpc: gpc(),
  dnt: dnt(),
  previous,
});

/** Sends a decision; the browser goes on with it when the page is left meanwhile. Rejects in a page that broke fetch. */
export const post = async (base: string, sent: Sent): Promise<Response> =>
  fetch(`${base}/v1/sites/${site}/decisions`, {
    method: 'POST',
    keepalive: true,
    credentials: 'include',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sent),
  });
