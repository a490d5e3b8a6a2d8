// Types of window.volenti, for pages that call it from TypeScript:
//   /// <reference path="volenti.d.ts" />
// Before the script has loaded, window.volenti is a queue: (window.volenti ??= []).push(['show'])
// From when the script has run its methods can be called; `state` of a visitor who decided comes with `ready`.

export type VolentiAction = 'accept_all' | 'reject_all' | 'save' | 'acknowledge' | 'withdraw' | 'signal' | 'share';

/** What is in force. Keys are those of the notice; an object of another moment is another object. */
export interface VolentiState {
  /** A decision is in force; false: nothing was decided, and what is on is on by the visitor's law. */
  readonly decided: boolean;
  /** Whether tags of a category may load now. */
  readonly categories: Readonly<Record<string, boolean>>;
  /** Whether tags of a vendor may load now. */
  readonly vendors: Readonly<Record<string, boolean>>;
  /** Global Privacy Control, or Do Not Track where the site honours it, is on. */
  readonly signal: boolean;
  /** Id of the receipt; absent until the server has answered. */
  readonly receipt?: string;
}

/** What is told, as `volenti:{name}` on document and to `on` listeners; the detail is what stands here. */
export interface VolentiEvents {
  /** The gate works. A listener that comes late is called at once. */
  ready: VolentiState;
  /** A decision was made, here or in another tab. */
  decision: VolentiState;
  /** What may load has changed by it. */
  change: VolentiState;
  /** The server has recorded the decision. */
  recorded: VolentiState;
  /** A tag gave no answer in time and was left out, so that the others could run. */
  skipped: { readonly src: string | null; readonly category: string | null };
  /** An address that nobody marked was held. `vendor` is '' where it is none of the notice's. */
  held: { readonly src: string; readonly category: string; readonly vendor: string };
}

export type VolentiListener<E extends keyof VolentiEvents> = (event: CustomEvent<VolentiEvents[E]>) => void;

export interface Volenti {
  readonly state: VolentiState;
  on<E extends keyof VolentiEvents>(event: E, listener: VolentiListener<E>): void;
  off<E extends keyof VolentiEvents>(event: E, listener: VolentiListener<E>): void;
  /** Opens the choices. */
  show(): void;
  /** Takes the first layer away without a decision; the next page asks again. */
  hide(): void;
  acceptAll(): void;
  rejectAll(): void;
  /** Decides on single categories or vendors by key; what is not named stays as it was. Only `true` grants. */
  set(choices: Readonly<Record<string, boolean>>): void;
  withdraw(): void;
  /** The receipt as it was signed (JSON text); undefined while there is none. Also calls back, for the queue. */
  receipt(call?: (text: string | undefined) => void): Promise<string | undefined>;
  /** Runs one command of the queue: a method's name and its arguments. */
  push(command: VolentiCommand): void;
}

export type VolentiCommand = readonly [method: Exclude<keyof Volenti, 'state' | 'push'>, ...args: unknown[]];

declare global {
  interface Window {
    volenti?: Volenti | VolentiCommand[];
  }
  interface DocumentEventMap {
    'volenti:ready': CustomEvent<VolentiEvents['ready']>;
    'volenti:decision': CustomEvent<VolentiEvents['decision']>;
    'volenti:change': CustomEvent<VolentiEvents['change']>;
    'volenti:recorded': CustomEvent<VolentiEvents['recorded']>;
    'volenti:skipped': CustomEvent<VolentiEvents['skipped']>;
    'volenti:held': CustomEvent<VolentiEvents['held']>;
  }
}
