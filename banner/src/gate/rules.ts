import type { Marked } from './tags';

/** What a notice says of addresses: module volenti:rules, made by banner/rules.go. */
export interface Rules {
  /** Marks, as a site would make them; the first is 0: free. */
  readonly verdicts: readonly (Verdict | 0)[];
  /**
   * Patterns, blanks between them, in lists by verdict: the site's own word; its own hosts, which are free; what the catalogue
   * knows and can't be guessed.
   */
  readonly lists: readonly (readonly string[])[];
  /** The verdict on what nobody knows. */
  readonly unknown: number;
}

export type Verdict = Marked & { readonly dataset: { readonly category: string } };

/** What an address needs, as of a tag that nobody marked; undefined is one that can't be read. Something false: nothing. */
export type Judge = (address: URL | undefined) => Verdict | 0 | undefined;

/**
 * Judges as server/notice/rules.go does: the site's own word first, then its own hosts, then the catalogue. In each, a longer
 * host counts before a shorter one, then a longer path. Only http and sockets leave the page. What can't be read is held
 * like what nobody knows.
 *
 * Its text runs in workers too, so it knows nothing but its arguments.
 */
export const createJudge = ({ verdicts, lists, unknown }: Rules): Judge => {
  const rules = lists.flatMap((list) =>
    list
      .flatMap((patterns, verdict) =>
        patterns.split(' ').map((pattern) => {
          const [, host, path] = /([^/]*)(.*)/.exec(pattern)!;
          return ['.' + host, path!, verdict] as const;
        }),
      )
      .sort((a, b) => b[0].length - a[0].length || b[1].length - a[1].length),
  );
  return (address) => {
    const { protocol = 'ws:', hostname = '', pathname = '' } = address ?? {};
    const host = '.' + hostname.replace(/\.$/, '');
    return /^(http|ws)s?:$/.test(protocol)
      ? verdicts[rules.find(([site, path]) => host.endsWith(site) && pathname.startsWith(path))?.[2] ?? unknown]
      : undefined;
  };
};
