import { categories, registered, vendors } from 'volenti:notice';
import type { Core } from './core';
import { page, warn } from './page';
import { hasCookie } from './remember';

/**
 * Asks the server for the tags that are registered with it, as soon as it can know that they are allowed: it judges by
 * itself, so a decision must have been answered. Its answer becomes a marked tag at the end of the page, so that it runs
 * in its turn, after those in the page's own markup; and what it loads does so too. Each vendor's tags come once a page.
 */
export const register = ({ gate, head }: Core): void => {
  const asked = new Set<number>();
  const region = new URL(head.src).searchParams.get('region');

  const ask = (): void => {
    const { decision, now } = gate;
    if (page.readyState === 'loading' || (decision && (decision.p || !(decision.r || hasCookie())))) return;
    categories.forEach((category, i) => {
      const allowed = registered.filter((v) => vendors[v]![1] === i && now[categories.length + 1 + v] === '1' && !asked.has(v));
      if (!allowed.length) return;
      allowed.forEach((v) => asked.add(v));
      const keys = allowed.map((v) => vendors[v]![0]);
      const query = new URLSearchParams({ vendors: keys.join() });
      // A cookie that the page can't see is another site's to the browser, and may not come along.
      if (decision?.r && !hasCookie()) query.set('receipt', decision.r);
      if (region) query.set('region', region);
      const src = `${head.base}/v1/sites/${VOLENTI.site}/tags/${category}.js?${query}`;
      const tag = page.createElement('script');
      tag.type = 'text/plain';
      Object.assign(tag.dataset, { category, service: keys[0], src });
      page.addEventListener(
        'error',
        // Refused by the server after it was withdrawn is as it should be.
        (e) => (e.target as HTMLScriptElement).src === src && gate.now[categories.length + 1 + allowed[0]!] === '1' && warn('registered tags not loaded: ' + keys),
        true,
      );
      page.documentElement.append(tag);
    });
  };

  gate.changed(ask);
  page.addEventListener('DOMContentLoaded', ask);
  ask();
};
