import { googleMode } from 'volenti:notice';
import { gtag } from '../adapters/gtag';
import type { Adapter } from '../gate/adapter';

/** The adapters this notice uses. The conditions are constants while compiling: what is not used is not in the bundle. */
export const adapters: readonly Adapter[] = [...(googleMode ? [gtag] : [])];
