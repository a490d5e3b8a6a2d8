/** The one Trusted Types policy of ours. What goes through it was written by the site and consented to by the visitor. */
export interface Trust {
  createHTML(text: string): string;
  createScript(text: string): string;
  createScriptURL(text: string): string;
}

const same = (text: string): string => text;

/**
 * Makes the policy `consent`. Where the site's CSP does not list it the strings stay strings: then the browser refuses
 * them, and tags stay shut.
 */
export const createTrust = (): Trust => {
  const rules = { createHTML: same, createScript: same, createScriptURL: same };
  try {
    return (window as unknown as { trustedTypes: { createPolicy(name: string, rules: Trust): Trust } }).trustedTypes.createPolicy('consent', rules);
  } catch {
    return rules;
  }
};
