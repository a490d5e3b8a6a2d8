// The words that gate, adapters and ui share. Gate never imports ui; both know only this file.

/** What the law asks of one category: opt-in, opt-out, notice, nothing (docs/wire.md, boot `m`). */
export type Model = 'i' | 'o' | 'n' | '-';

/**
 * One character a category, '.', one a vendor, in the notice's order: '1' granted, '0' refused, '-' not asked, which
 * follows the law or the category; '_' not asked either, and off until it is.
 */
export type Choices = string;

export type Action = 'accept_all' | 'reject_all' | 'save' | 'acknowledge' | 'noticed' | 'withdraw' | 'signal' | 'share';
export type Surface = 'banner' | 'settings' | 'placeholder' | 'api' | 'signal' | 'change' | 'share';

/** What the server knew when it answered with this script: docs/wire.md, "Boot". */
export interface Boot {
  readonly t: string;
  readonly m: string;
  readonly n: number;
  readonly g?: 1;
  readonly d?: 1;
  readonly o?: 1;
  readonly c?: Choices;
  readonly a?: number;
  readonly u?: number;
  readonly s?: 1;
  readonly x?: number;
  readonly l?: 1;
  readonly b?: 1;
  readonly r?: number;
  readonly h?: number;
  readonly w?: number;
  readonly k?: number;
  readonly f?: 1;
  readonly i?: string;
  readonly y?: number;
  readonly q?: Choices;
}

/** A decision as it is sent: docs/wire.md, "A decision". */
export interface Sent {
  readonly id: string;
  readonly token: string;
  readonly categories: Record<string, boolean>;
  readonly vendors: Record<string, boolean>;
  readonly open?: readonly string[];
  readonly action: Action;
  readonly surface: Surface;
  readonly at: number;
  readonly gpc: boolean;
  readonly dnt: boolean;
  readonly previous: string | undefined;
  readonly of_age?: number;
  readonly handover?: string;
}

/** A decision as the page keeps it: docs/wire.md, "In the page's own storage". Seconds are Unix seconds. */
export interface Decision {
  readonly v: 1;
  readonly c: Choices;
  readonly n: string;
  readonly a: number;
  readonly u: number;
  readonly s: 0 | 1;
  readonly e: 'e' | 'i';
  /** When its refusals end, where that is later than `u`; its grants are open from `u` on. */
  readonly w?: number;
  /** The visitor knows the policies that were in force then. */
  readonly k?: number;
  /** He was shown the note about the change of then (the boot's `h`), and it was sent. */
  readonly t?: number;
  /** The age that the visitor confirmed with it; 0 or absent where he did not. */
  readonly y?: number;
  /** Receipt id; absent while this decision is not answered. */
  readonly r?: string;
  /** One character a vendor, '1' if it was allowed before, is not now, and may still hold something; absent if there is none. */
  readonly h?: string;
  /** Decisions not yet answered, oldest first, this one last; absent if there are none. */
  readonly p?: readonly Sent[];
}

/** What the gate lets the ui see and do. The only way from ui to gate. */
export interface Gate {
  readonly boot: Boot;
  /** Address of the server, no final slash: the script's own address without /b/{site}.js. */
  readonly base: string;
  /** Nonce of the script's own element, '' if it has none. */
  readonly nonce: string;
  /** GPC or DNT is on and counts here. */
  readonly signal: boolean;
  /** The decision in force; undefined: never asked, expired, or unreadable. */
  readonly decision: Decision | undefined;
  /** Where a part of the decision in force is still open: what the first layer says of it, and how that part is answered. */
  part?: { readonly text: string; answer(choice: '1' | '0'): void } | undefined;
  /** The visitor has said to be as old as is asked here (VOLENTI.age): by a box he ticked, or with a decision that was in force. */
  ofAge?: boolean;
  /** What may load now: decision, signal and model taken together. */
  readonly now: Choices;
  /** Makes a decision: in force at once, remembered, reported. */
  decide(choices: Choices, action: Action, surface: Surface): void;
  /** The receipt's text, or undefined while it was not answered yet. */
  receipt(): Promise<string | undefined>;
  /** Calls back after each change of `now` or of the receipt's state; returns how to stop. */
  changed(call: () => void): () => void;
  /** Shows the second layer; focus goes back to `from` when it closes. */
  settings(from?: Element | null): void;
  /** Fetches what releases ahead, for somebody who is about to answer. */
  ahead(): void;
  /** Fetches the second layer ahead, for somebody who is about to open it. */
  warm(): void;
}
