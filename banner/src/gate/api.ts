import { categories, like, vendors } from 'volenti:notice';
import type { Volenti, VolentiCommand, VolentiListener } from '../../volenti';
import { all } from './decide';
import { guard, page, warn } from './page';
import { standing } from './part';
import { state } from './state';
import type { Gate } from './types';

/** window.volenti. `hide` takes the first layer away. A call that can't be done is said on the console and does nothing. */
export const createApi = (gate: Gate, hide: () => void): Volenti => {
  // Who asks before it is told is told with all others.
  let told = false;
  page.addEventListener('volenti:ready', () => (told = true));
  const on = (name: string, listener: unknown): void => {
    page.addEventListener('volenti:' + name, listener as EventListener);
    if (name === 'ready' && told) (listener as VolentiListener<'ready'>)(new CustomEvent('volenti:ready', { detail: api.state }));
  };

  const api = {
    get state() {
      return state(gate);
    },
    on: guard(on),
    off: guard((name: string, listener: unknown) => page.removeEventListener('volenti:' + name, listener as EventListener)),
    show: guard(() => gate.settings()),
    hide: guard(hide),
    acceptAll: guard(() => gate.decide(all('1'), 'accept_all', 'api')),
    rejectAll: guard(() => gate.decide(all('0'), 'reject_all', 'api')),
    withdraw: guard(() => gate.decide(all('0'), 'withdraw', 'api')),
    set: guard((choices: Readonly<Record<string, boolean>>) => {
      const c = [...standing(gate.decision, gate.signal)];
      const own = Object.keys(choices);
      const named = (key: string): '1' | '0' => (choices[key] === true ? '1' : '0');
      // Categories first: what a vendor was set apart to ends with a new word on its category, unless it is named too.
      own.forEach((key) => {
        const i = categories.indexOf(key);
        if (i >= 0 && like[i] !== 'n') {
          c[i] = named(key);
          vendors.forEach((v, j) => v[1] === i && (c[categories.length + 1 + j] = '-'));
        } else if (!vendors.some((v) => v[0] === key)) warn('set: the notice asks for no ' + key);
      });
      vendors.forEach((v, j) => own.includes(v[0]) && (c[categories.length + 1 + j] = named(v[0])));
      gate.decide(c.join(''), 'save', 'api');
    }),
    async receipt(call?: (text: string | undefined) => void) {
      const text = await gate.receipt().catch(() => undefined);
      call?.(text);
      return text;
    },
    push: guard(([method, ...args]: VolentiCommand) => void (api[method] as (...a: unknown[]) => unknown)(...args)),
  };
  return api as Volenti;
};
