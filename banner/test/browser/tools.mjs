// What visitors' consent tools do with a page, for the rules in web/integrations/rules. Each function runs in the page, so
// it stands alone. A step that it does not know throws: a rule must not pass because nothing was done.

/** autoconsent: selectors are strings, or lists that enter shadow roots and frames; steps run in order, all must succeed. */
export const autoconsent = async ({ rule, list }) => {
  const find = (selector) => {
    let scopes = [document];
    for (const part of [selector].flat()) scopes = scopes.slice(0, 1).flatMap((scope) => [...(scope.shadowRoot ?? scope.contentDocument ?? scope).querySelectorAll(part)]);
    return scopes;
  };
  const visible = (el) => el.offsetParent !== null || (getComputedStyle(el).position === 'fixed' && getComputedStyle(el).display !== 'none');
  const wait = async (f) => {
    for (let i = 0; i < 50 && !f(); i++) await new Promise((done) => setTimeout(done, 100));
    return f();
  };
  const click = (selector) => {
    const [el] = find(selector);
    el?.click();
    return !!el;
  };
  const steps = {
    exists: (s) => find(s).length > 0,
    visible: (s) => find(s).length > 0 && find(s).every(visible),
    waitFor: (s) => wait(() => find(s).length > 0),
    waitForThenClick: async (s) => (await wait(() => find(s).length > 0)) && click(s),
    click,
  };
  for (const { negated = false, ...step } of rule[list]) {
    const [[kind, selector], ...more] = Object.entries(step);
    if (!steps[kind] || more.length) throw new Error('a step that autoconsent does not know: ' + JSON.stringify(step));
    if (!!(await steps[kind](selector)) === negated) return false;
  }
  return true;
};

/** Consent-O-Matic: detects, then runs its methods; `allowed` are the types (A, B, D, E, F, X) that its user wants. */
export const consentOMatic = async ({ rule, allowed }) => {
  const types = ['A', 'B', 'D', 'E', 'F', 'X'];
  const one = (from, { selector, displayFilter, ...more }) => {
    if (Object.keys(more).length) throw new Error('a filter that is not tested here: ' + Object.keys(more));
    return [...(from.shadowRoot ?? from).querySelectorAll(selector)].filter((el) => displayFilter === undefined || (el.offsetHeight !== 0) === displayFilter)[0];
  };
  const find = ({ parent, target }) => {
    const from = parent ? one(document, parent) : document;
    return from && one(from, target);
  };
  const matchers = { css: (m) => !!find(m), checkbox: (m) => find(m).checked };
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const act = async (action) => {
    if (!action) return;
    const actions = {
      async click() {
        const el = find(action);
        if (!el) throw new Error('nothing to click: ' + JSON.stringify(action));
        el.click();
        await pause(50);
      },
      async list() {
        for (const each of action.actions) await act(each);
      },
      ifcss: () => act(find(action) ? action.trueAction : action.falseAction),
      ifallownone: () => act(allowed.length === 0 ? action.trueAction : action.falseAction),
      ifallowall: () => act(types.every((type) => allowed.includes(type)) ? action.trueAction : action.falseAction),
      async waitcss() {
        for (let i = 0; i < action.retries && !find(action); i++) await pause(action.waitTime);
      },
      async consent() {
        for (const { type, matcher, toggleAction } of action.consents)
          if (matchers[matcher.type](matcher) !== allowed.includes(type)) await act(toggleAction);
      },
    };
    if (!actions[action.type]) throw new Error('an action that Consent-O-Matic does not know: ' + action.type);
    await actions[action.type]();
  };
  const [{ detectors, methods }] = Object.values(rule);
  const matches = (list) => list.every((m) => matchers[m.type](m));
  if (!detectors.some((d) => matches(d.presentMatcher) && matches(d.showingMatcher))) return false;
  for (const name of ['HIDE_CMP', 'OPEN_OPTIONS', 'HIDE_CMP', 'DO_CONSENT', 'SAVE_CONSENT']) await act(methods.find((m) => m.name === name)?.action);
  return true;
};

/**
 * A tool that knows no rule: takes what is fixed, sticky or a dialog for a popup if it speaks of accepting or refusing,
 * and presses the one button in it, in the light DOM, whose words are those of a refusal.
 */
export const heuristic = () => {
  const shown = (el) => el.offsetParent !== null || getComputedStyle(el).position === 'fixed';
  const popups = [...document.querySelectorAll('body *, html > :not(head):not(body), html > :not(head):not(body) *')].filter(
    (el) => shown(el) && (/^(fixed|sticky)$/.test(getComputedStyle(el).position) || el.matches('dialog[open],[role=dialog],[aria-modal=true]')),
  );
  const refusals = popups
    .filter((el) => /accept all|reject all|cookies|opt out/i.test(el.innerText ?? ''))
    .flatMap((el) => [...el.querySelectorAll('button,a,[role=button],input[type=submit]')])
    .filter((el) => shown(el) && !el.disabled && /^\s*(reject|deny|refuse|decline|opt[ -]out)( all)?( cookies)?\s*$/i.test(el.innerText));
  if (refusals.length !== 1) return refusals.length;
  refusals[0].click();
  return 1;
};
