import { categories, vendors } from 'volenti:notice';

type Keyed = Readonly<Record<string, boolean>>;

/** By key what stands in choices by position: `of` is asked for every category and vendor; undefined leaves one out. */
export const keyed = (of: (index: number) => boolean | undefined): { readonly categories: Keyed; readonly vendors: Keyed } => {
  const list = (keys: readonly string[], from: number): Keyed =>
    Object.fromEntries(
      keys.flatMap((key, i) => {
        const answer = of(from + i);
        return answer === undefined ? [] : [[key, answer]];
      }),
    );
  return {
    categories: list(categories, 0),
    vendors: list(
      vendors.map((v) => v[0]),
      categories.length + 1,
    ),
  };
};
