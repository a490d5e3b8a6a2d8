import type { Hold } from './block';

/** Markup that scripts write. */
export const markup = (_: Hold): void => {};
