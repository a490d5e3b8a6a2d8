// Modules that exist only while a notice is compiled (banner.go): the notice and the wording of one language,
// as constants, so that what a variant does not use is not in it.

/**
 * Constants that stand in the place of their names before anything else is done, so that what then can't happen is left
 * out of a variant. All else of the notice is in volenti:notice.
 */
declare const VOLENTI: {
  readonly site: string;
  /** First 16 digits of the digests of the modules of the same language: the gate, the second layer, what holds unmarked tags. */
  readonly gateDigest: string;
  readonly settingsDigest: string;
  readonly blockDigest: string;
  /** Surface of this first layer; '' in scripts that have none. */
  readonly surface: 'opt-in' | 'opt-out' | 'notice' | '';
  /** What holds tags that nobody marked: '' is nothing. */
  readonly blocking: '' | 'script' | 'strict';
  readonly language: string;
  readonly rtl: boolean;
  readonly position: 'bottom' | 'bottom-start' | 'bottom-end' | 'top' | 'center' | 'inline';
  /** Value of color-scheme. */
  readonly scheme: 'light dark' | 'light' | 'dark';
  readonly accent: string;
  /** Black or white, whichever reads better on the accent. */
  readonly onAccent: string;
  readonly radius: number;
  readonly reopenAt: 'start' | 'end' | 'none';
  /** The first layer is a modal dialog. */
  readonly modal: boolean;
  /** Address of the image beside the title; '' for none. */
  readonly logo: string;
  /** A decision counts on all origins of the notice. */
  readonly share: boolean;
  /** Years that whoever grants something has to say to be, at the least; 0: nobody is asked. */
  readonly age: number;
  /** Name of the controller. */
  readonly controller: string;
  /** Some vendor's tags can't be unloaded: `reloads`. */
  readonly reload: boolean;
  /** Where the policy link leads; '' is `${base}/policies/{site}/{policy}`. */
  readonly policyURL: string;
  /** Consent Mode's types, each with the places in choices that stand for it. */
  readonly google: readonly (readonly [type: string, ...places: number[]])[];
  /** There are tags registered with the server. */
  readonly registered: boolean;
  /** Nothing is sent to Google where it is not granted. */
  readonly googleBasic: boolean;
  /** Google's tags load before a choice, and send without cookies until it is granted. */
  readonly googleAdvanced: boolean;
  /** Indices of Google's vendors. */
  readonly googleVendors: readonly number[];
  /** What the notice does about Do Not Track. */
  readonly dnt: 'ignore' | 'opt-out' | 'forward';
  readonly googleWait: number;
  readonly googleRedact: boolean;
  readonly googlePassthrough: boolean;
  /** Places in choices by adapter, of the vendors it speaks for, and by switch of the law, of its categories; [-1] for none. */
  readonly at: Readonly<
    Record<
      | 'preferences' | 'analytics' | 'marketing'
      | 'uet' | 'clarity' | 'meta' | 'tiktok' | 'pinterest' | 'reddit' | 'matomo' | 'hubspot'
      | 'segment' | 'mixpanel' | 'posthog' | 'plausible' | 'adobe',
      readonly number[]
    >
  >;
};

declare module 'volenti:rules' {
  export const rules: import('./gate/rules').Rules;
}

declare module 'volenti:notice' {
  /** Of the notice, exactly. */
  export const origins: readonly string[];
  /** First 16 digits of the notice's digest. */
  export const notice: string;
  /** Category keys, in order. 'necessary', where present, is one of them. */
  export const categories: readonly string[];
  /** Which switch of the law table each category follows: 'n' necessary, 'p' preferences, 'a' analytics, 'm' marketing; one letter a category. */
  export const like: string;
  /** Choices that answer nothing: '1' for what is necessary, '-' for all else. */
  export const unasked: string;
  /** What may load where nothing is granted: '1' for what is necessary, '0' for all else. */
  export const none: string;
  /** Category names, in order of `categories`. */
  export const labels: readonly string[];
  /** Vendor key and index of its category, in order. */
  export const vendors: readonly (readonly [key: string, category: number])[];
  /** Vendor names, in order of `vendors`. */
  export const vendorNames: readonly string[];
  /**
   * What is stored on this site's own domain: name (final '*' makes it a prefix), 0 cookie 1 local 2 session 3 IndexedDB
   * 4 cache 5 service worker, vendor index.
   */
  export const stored: readonly (readonly [name: string, kind: 0 | 1 | 2 | 3 | 4 | 5, vendor: number])[];
  /** Indices of the vendors whose tags can't be unloaded. */
  export const reloads: readonly number[];
  /** One character a vendor, '1' if there is something to say of what it holds itself: storage of its own, or where to turn. */
  export const holders: string;
  /** Indices of the vendors that have tags registered with the server. */
  export const registered: readonly number[];
  /** Seconds a decision lasts. */
  export const validity: number;
  export const policyKey: string;
  /** Second layer only. */
  export const controller: { readonly name: string; readonly address: string; readonly contact: string };
  export const details: readonly {
    readonly label: string;
    readonly about: string;
  }[];
  export const vendorDetails: readonly {
    readonly country: string;
    readonly url: string;
    /** Where visitors have removed what it holds. */
    readonly optOut?: string;
    readonly stored: readonly {
      readonly name: string;
      readonly kind: 0 | 1 | 2 | 3 | 4 | 5;
      readonly duration: string;
      readonly purpose: string;
      /** Kept on the vendor's own domain. */
      readonly foreign?: true;
    }[];
  }[];
}

declare module 'volenti:wording' {
  // One constant a wording key, placeholders that are known at compile time ({controller}, {n}, {purposes}, {reopen}) filled in.
  export const title: string, ask: string, accept: string, reject: string, opt_out: string, ok: string, settings: string,
    policy: string, signal: string, reopen: string, choices: string, blocked: string, allow: string, settings_title: string,
    settings_about: string, save: string, close: string, withdraw: string, always: string, partners: string, no_partners: string,
    stored: string, name: string, kind: string, purpose: string, duration: string, kind_cookie: string, kind_local: string,
    kind_session: string, kind_indexeddb: string, kind_cache: string, kind_worker: string, undo: string, undone: string,
    new_parts: string, open_parts: string, other_choices: string, of_age: string, of_age_first: string, shared: string, shared_from: string, signal_over: string, dnt_ignore: string, dnt_opt_out: string, dnt_forward: string,
    changed: string, applies: string, what_changed: string,
    remains: string, remains_about: string, remains_at: string, until_closed: string, until_deleted: string, data_goes_to: string, vendor_policy: string,
    responsible: string, decided: string, not_decided: string, receipt: string, recorded: string, pending: string, declaration: string, declaration_about: string,
    vendor_opt_out: string, without_vendor: string, back: string, own_purpose: string, updated: string, all_on: string, details: string;
}

declare module 'volenti:adapters' {
  /** What this notice uses of adapters/. */
  export const adapters: readonly import('./gate/adapter').Adapter[];
}

