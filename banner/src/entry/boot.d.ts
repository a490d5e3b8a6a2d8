import type { Boot } from '../gate/types';

declare global {
  /** What the compiled function is called with: bundle.go binds it, so in the sources it is a free variable. */
  const boot: Boot;
}
