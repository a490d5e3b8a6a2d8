/** What a notice says of addresses: module volenti:rules, made by banner/rules.go. */
export interface Rules {
  /** Category, and vendor if it is one of the notice. The first has neither: free. */
  readonly verdicts: readonly (readonly [category?: string, vendor?: string])[];
  /** The site's own word: patterns by verdict, blanks between them. */
  readonly own: readonly string[];
  /** The site's own hosts, a blank behind each. */
  readonly home: string;
  /** What the catalogue knows and can't be guessed: patterns by verdict. */
  readonly known: readonly string[];
  /** The verdict on what nobody knows. */
  readonly unknown: number;
}

/** The number of the verdict on an address, as of a tag that nobody marked. */
export type Judge = (address: URL) => number;

/**
 * Judges as server/notice/rules.go does, in pages of these hosts: the site's own word first, then its own hosts, then the catalogue. In each, a longer
 * host counts before a shorter one, then a longer path. Only http and sockets leave the page.
 *
 * Its text runs in workers too, so it knows nothing but its arguments.
 */
export const createJudge = ({ own, home, known, unknown }: Rules, hosts: string): Judge => {
  const rules = [own, [home + hosts], known].flatMap((list) =>
    list
      .flatMap((patterns, verdict) =>
        patterns.split(' ').map((pattern) => {
          const [, host, path] = /([^/]*)(.*)/.exec(pattern)!;
          return ['.' + host, path!, verdict] as const;
        }),
      )
      .sort((a, b) => b[0].length - a[0].length || b[1].length - a[1].length),
  );
  return ({ protocol, hostname, pathname }) => {
    const host = '.' + hostname.replace(/\.$/, '');
    return /^(http|ws)s?:/.test(protocol) ? (rules.find(([site, path]) => host.endsWith(site) && pathname.startsWith(path))?.[2] ?? unknown) : 0;
  };
};
