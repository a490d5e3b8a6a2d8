import { applies, changed, ok, what_changed } from 'volenti:wording';
import { page } from '../gate/page';
import type { Action, Decision, Gate } from '../gate/types';
import { dress, h, place, toReopen } from './dom';
import css from './note.css';
import { look } from './theme';

/** One material change of a policy: docs/wire.md, "Changes". Times are Unix milliseconds. */
interface Change {
  readonly title: string;
  readonly from: number;
  readonly binds: number;
  readonly summary: string;
  readonly language: string;
  /** From the server's root. */
  readonly address: string;
}

/**
 * What changed after `told`, Unix seconds, newest first. Nothing of the visitor is in the request; `at` makes its address
 * another one with each change, so that no cache keeps one back.
 */
const fetchChanges = async ({ base, boot }: Gate, told: number): Promise<readonly Change[]> => {
  const answer = await fetch(`${base}/v1/sites/${VOLENTI.site}/changes?lang=${VOLENTI.language}&at=${boot.h}`, { credentials: 'omit' });
  const { changes } = (await answer.json()) as { changes: readonly Change[] };
  return changes.filter(({ from, address }) => from / 1e3 + 1 > told && address[0] === '/');
};

const day = (ms: number): string => new Intl.DateTimeFormat(VOLENTI.language, { dateStyle: 'long' }).format(ms);

/**
 * Tells a visitor who knows an earlier version what has changed: which policy, what, from when it binds, where to read
 * more. It covers little, takes no focus and asks nothing; OK takes it away. The region stands empty first: text that
 * comes with its live region is not read out. Says once that it was shown, and that it was read; returns how to take it away.
 */
export const note = async (gate: Gate, told: number, say: (action: Action, mark: Partial<Decision>) => void): Promise<() => void> => {
  const came = gate.boot.h!;
  // Nobody sees what a tab in the background shows. Where the receipt is not there yet, another page view says it.
  const shown = (): void => {
    const { r, t = 0 } = gate.decision ?? {};
    if (page.visibilityState === 'hidden') page.addEventListener('visibilitychange', shown, { once: true });
    else if (r && t < came) say('noticed', { t: came });
  };
  const read = (): void => say('acknowledge', { k: Math.max(Math.floor(Date.now() / 1e3), came) });
  const region = h('div', { role: 'region', 'aria-label': what_changed, 'aria-live': 'polite', part: 'panel' });
  const host = place(dress(h('volenti-note', { 'data-nosnippet': '' }), css + look, region));
  const changes = await fetchChanges(gate, told).catch(() => []);
  setTimeout(() => {
    if (!changes.length) return host.remove();
    region.append(
      ...changes.flatMap(({ title, summary, language, binds, address }) => [
        h('h2', {}, changed.replace('{title}', () => title)),
        h('p', { lang: language }, summary),
        h('p', {}, applies.replace('{date}', () => day(binds)), ' ', h('a', { href: gate.base + address, target: '_blank' }, what_changed)),
      ]),
      h('button', { type: 'button', part: 'button', 'data-volenti': 'ok', onclick: read }, ok),
    );
    // What scrolls must be reachable by keyboard, what does not must not cost a Tab.
    if (region.scrollHeight > region.clientHeight) region.tabIndex = 0;
    shown();
  }, 200);
  return () => {
    const focused = page.activeElement === host;
    host.remove();
    if (focused) toReopen();
  };
};
