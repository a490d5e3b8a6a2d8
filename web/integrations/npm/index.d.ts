import type { Volenti, VolentiState } from './volenti.js';

export type { Volenti, VolentiState, VolentiAction, VolentiCommand, VolentiEvents, VolentiListener } from './volenti.js';

export interface LoadOptions {
  /** Address of the consent server: "https://consent.example.com", or "/consent" on the site's own origin. */
  server: string;
  /** Site key. */
  site: string;
  /** The page's nonce, where its Content-Security-Policy asks for one. */
  nonce?: string;
  /** The page's language (BCP 47), where it is not the browser's. */
  lang?: string;
}

/**
 * Puts the banner script into the page, unless it stands there, and resolves to window.volenti; to undefined on a server.
 * Called again it answers the same. Rejects if the script can't be loaded; then nothing that needs consent runs.
 */
export function load(options: LoadOptions): Promise<Volenti | undefined>;

/** What is in force now; undefined while the script has not run. */
export function getState(): VolentiState | undefined;

/** Whether a category or vendor of the notice, by key, may be used now. */
export function granted(key: string): boolean;

/** Calls back after every change of the state; returns how to stop. */
export function subscribe(listener: () => void): () => void;

/** Calls back with the state after each decision, and soon after this call if one is in force; returns how to stop. */
export function onDecision(call: (state: VolentiState) => void): () => void;

/** Opens the choices, now or as soon as the script is there. */
export function openSettings(): void;
