// What elements have beside being nodes: attributes, properties that reflect them, states, style, a shadow.
(function (host) {
  'use strict';
  const G = globalThis;
  const { define, wrap, secret, handled, byTag } = host.shared;
  const { Element, HTMLElement, ShadowRoot, DocumentFragment, EventTarget } = G;

  const kebab = (name) => name.replace(/[A-Z]/g, (c) => '-' + c.toLowerCase());
  const tokens = (el, attribute) => {
    const all = () => (el.getAttribute(attribute) ?? '').split(/\s+/).filter(Boolean);
    const put = (names) => el.setAttribute(attribute, names.join(' '));
    return {
      add: (...names) => put([...new Set([...all(), ...names])]),
      remove: (...names) => put(all().filter((n) => !names.includes(n))),
      toggle: (name, on = !all().includes(name)) => (put([...all().filter((n) => n !== name), ...(on ? [name] : [])]), on),
      contains: (name) => all().includes(name),
      replace: (a, b) => put(all().map((n) => (n === a ? b : n))),
      get value() { return all().join(' '); },
      get length() { return all().length; },
      [Symbol.iterator]: () => all()[Symbol.iterator](),
      toString: () => all().join(' '),
    };
  };
  const styleOf = (el) =>
    new Proxy(
      {
        setProperty: (name, value, priority) => host.setStyle(el[secret], name, value === null ? '' : String(value), priority === 'important'),
        removeProperty: (name) => host.setStyle(el[secret], name, '', false),
        getPropertyValue: (name) => host.style(el[secret], name),
        getPropertyPriority: () => '',
      },
      {
        get: (own, name) => own[name] ?? (typeof name === 'string' ? host.style(el[secret], kebab(name)) : undefined),
        set: (own, name, value) => {
          if (name === 'cssText') for (const part of String(value).split(';')) { const [n, ...v] = part.split(':'); if (v.length) host.setStyle(el[secret], n.trim(), v.join(':').trim(), false); }
          else host.setStyle(el[secret], kebab(name), String(value), false);
          return true;
        },
        has: () => true,
      },
    );
  const box = { x: 0, y: 0, width: 0, height: 0, top: 0, left: 0, right: 0, bottom: 0 };

  Object.assign(Element.prototype, {
    getAttribute(name) { return host.attribute(this[secret], String(name).toLowerCase()); },
    setAttribute(name, value) { host.setAttribute(this[secret], String(name).toLowerCase(), String(value)); },
    removeAttribute(name) { host.removeAttribute(this[secret], String(name).toLowerCase()); },
    hasAttribute(name) { return this.getAttribute(name) !== null; },
    hasAttributes() { return host.attributes(this[secret]).length > 0; },
    toggleAttribute(name, on = !this.hasAttribute(name)) { if (on) this.setAttribute(name, ''); else this.removeAttribute(name); return on; },
    getAttributeNames() { return host.attributes(this[secret]); },
    getAttributeNS(_, name) { return this.getAttribute(name); },
    setAttributeNS(_, name, value) { this.setAttribute(name, value); },
    getAttributeNode(name) { return this.hasAttribute(name) ? { name, value: this.getAttribute(name) } : null; },
    matches(s) { return host.matches(this[secret], String(s)); },
    closest(s) { for (let el = this; el && el.nodeType === 1; el = el.parentNode) if (el.matches(s)) return el; return null; },
    attachShadow(init) { const root = wrap(host.attachShadow(this[secret])); root.mode = init.mode; return root; },
    getBoundingClientRect() { return { ...box }; },
    getClientRects() { return []; },
    scrollIntoView() {},
    scrollTo() {},
    insertAdjacentElement(where, el) {
      if (where === 'beforebegin') this.before(el);
      else if (where === 'afterbegin') this.prepend(el);
      else if (where === 'beforeend') this.append(el);
      else this.after(el);
      return el;
    },
    insertAdjacentHTML() { throw new TypeError('markup is never parsed'); },
    animate() { return { finished: Promise.resolve(), cancel() {}, finish() {} }; },
    getAnimations() { return []; },
    checkVisibility() { return true; },
    setPointerCapture() {},
  });
  const numbers = 'scrollHeight scrollWidth clientHeight clientWidth clientTop clientLeft scrollTop scrollLeft offsetWidth offsetHeight offsetTop offsetLeft';
  for (const name of numbers.split(' ')) define(Element.prototype, { [name]: { get: () => 0, set() {} } });
  define(Element.prototype, {
    localName: { get() { return host.tag(this[secret]); } },
    tagName: { get() { return this.nodeName; } },
    namespaceURI: { get() { return host.svg(this[secret]) ? 'http://www.w3.org/2000/svg' : 'http://www.w3.org/1999/xhtml'; } },
    attributes: { get() { return this.getAttributeNames().map((name) => ({ name, value: this.getAttribute(name) })); } },
    classList: { get() { return tokens(this, 'class'); }, set(v) { this.setAttribute('class', v); } },
    part: { get() { return tokens(this, 'part'); }, set(v) { this.setAttribute('part', v); } },
    shadowRoot: { get() { return wrap(host.shadow(this[secret])); } },
    style: { get() { return styleOf(this); }, set(v) { styleOf(this).cssText = v; } },
    assignedSlot: { get: () => null },
    innerHTML: { get() { return this.textContent; }, set(v) { if (String(v) !== '') throw new TypeError('markup is never parsed'); this.replaceChildren(); } },
    outerHTML: { get() { return this.textContent; }, set() { throw new TypeError('markup is never parsed'); } },
    innerText: { get() { return this.textContent; }, set(v) { this.textContent = v; } },
    dataset: {
      get() {
        const el = this;
        return new Proxy({}, {
          get: (_, name) => (typeof name === 'string' ? (el.getAttribute('data-' + kebab(name)) ?? undefined) : undefined),
          set: (_, name, value) => (el.setAttribute('data-' + kebab(name), value), true),
          has: (_, name) => el.hasAttribute('data-' + kebab(name)),
          deleteProperty: (_, name) => (el.removeAttribute('data-' + kebab(name)), true),
        });
      },
    },
  });

  // Properties that are attributes: text, and those that are there or not.
  const reflect = (proto, names) => {
    for (const [name, attribute] of names)
      define(proto, {
        [name]: {
          get() { return this.getAttribute(attribute) ?? ''; },
          set(v) { if (v === null && name.startsWith('aria')) this.removeAttribute(attribute); else this.setAttribute(attribute, v); },
        },
      });
  };
  const same = (names) => names.split(' ').map((n) => [n, n.toLowerCase()]);
  const aria = 'Label LabelledBy Hidden Expanded Pressed Checked Controls DescribedBy Description Modal Live Atomic Busy Current Disabled HasPopup Invalid Level Orientation RoleDescription Selected ValueNow ValueText';
  reflect(Element.prototype, [...same('id slot role'), ['className', 'class'], ...aria.split(' ').map((n) => ['aria' + n, 'aria-' + n.toLowerCase()])]);
  reflect(HTMLElement.prototype, same('title lang dir accessKey inputMode enterKeyHint nonce popover'));
  const states = (proto, names) => {
    for (const name of names.split(' '))
      define(proto, {
        [name]: {
          get() { return host.state(this[secret], name.toLowerCase()); },
          set(v) { host.setState(this[secret], name.toLowerCase(), !!v); },
        },
      });
  };
  states(HTMLElement.prototype, 'hidden inert draggable autofocus');
  define(HTMLElement.prototype, {
    tabIndex: { get() { return +(this.getAttribute('tabindex') ?? -1); }, set(v) { this.setAttribute('tabindex', v); } },
    isContentEditable: { get: () => false },
  });
  Object.assign(HTMLElement.prototype, {
    click() {
      if (this.disabled) return;
      const was = this.checked;
      const toggles = host.tag(this[secret]) === 'input' && this.type === 'checkbox';
      if (toggles) this.checked = !was;
      const event = new G.MouseEvent('click', { bubbles: true, cancelable: true, composed: true });
      const going = this.dispatchEvent(event);
      if (toggles && !going) this.checked = was;
      else if (toggles) for (const type of ['input', 'change']) this.dispatchEvent(new G.Event(type, { bubbles: true }));
    },
    focus() { host.focus(this[secret]); this.dispatchEvent(new G.Event('focus')); },
    blur() { host.focus(-1); },
    showPopover() {},
    hidePopover() {},
    togglePopover() {},
    attachInternals() { return { setFormValue() {}, states: new Set() }; },
  });
  handled(HTMLElement.prototype);

  // Kinds of elements: what each reflects, and which states it has.
  const kinds = {
    Anchor: ['a', 'href target rel download type hreflang ping referrerPolicy'],
    Area: ['area', 'href target rel alt'],
    Audio: ['audio', 'src'],
    Base: ['base', 'href target'],
    Body: ['body', ''],
    BR: ['br', ''],
    Button: ['button', 'type name value popoverTarget popoverTargetAction', 'disabled'],
    Canvas: ['canvas', 'width height'],
    Details: ['details', 'name', 'open'],
    Dialog: ['dialog', 'returnValue', 'open'],
    Div: ['div', 'align'],
    Embed: ['embed', 'src type width height'],
    FieldSet: ['fieldset', 'name', 'disabled'],
    Data: ['data', 'value'],
    DataList: ['datalist', ''],
    DList: ['dl', ''],
    Font: ['font', 'color face size'],
    Form: ['form', 'action method target enctype'],
    Frame: ['frame', 'src name'],
    FrameSet: ['frameset', ''],
    HR: ['hr', ''],
    Map: ['map', 'name'],
    Menu: ['menu', ''],
    Meter: ['meter', 'value'],
    Mod: ['ins del', 'cite'],
    Param: ['param', 'name value'],
    Head: ['head', ''],
    Heading: ['h1 h2 h3 h4 h5 h6', ''],
    Html: ['html', ''],
    IFrame: ['iframe', 'src srcdoc name allow width height loading sandbox referrerPolicy', 'allowFullscreen'],
    Image: ['img', 'src srcset sizes alt width height loading decoding referrerPolicy crossOrigin'],
    Input: ['input', 'type name value placeholder autocomplete min max step', 'disabled checked indeterminate required readOnly'],
    Label: ['label', ''],
    Legend: ['legend', ''],
    LI: ['li', ''],
    Link: ['link', 'href rel as type media crossOrigin integrity referrerPolicy', 'disabled'],
    Media: ['', ''],
    Meta: ['meta', 'name content httpEquiv'],
    Object: ['object', 'data type name'],
    OList: ['ol', ''],
    OptGroup: ['optgroup', 'label', 'disabled'],
    Option: ['option', 'value label', 'selected disabled'],
    Output: ['output', 'name value'],
    Paragraph: ['p', 'align'],
    Picture: ['picture', ''],
    Pre: ['pre', ''],
    Progress: ['progress', 'value max'],
    Quote: ['blockquote q', 'cite'],
    Script: ['script', 'src type charset text integrity crossOrigin referrerPolicy', 'async defer noModule'],
    Select: ['select', 'name value', 'disabled'],
    Slot: ['slot', 'name'],
    Source: ['source', 'src srcset type media'],
    Span: ['span', ''],
    Style: ['style', 'media type', 'disabled'],
    Table: ['table', ''],
    TableCaption: ['caption', ''],
    TableCell: ['td th', 'colSpan rowSpan scope'],
    TableRow: ['tr', ''],
    TableSection: ['thead tbody tfoot', ''],
    Template: ['template', ''],
    TextArea: ['textarea', 'name value placeholder', 'disabled'],
    Time: ['time', 'dateTime'],
    Title: ['title', 'text'],
    Track: ['track', 'src kind'],
    UList: ['ul', ''],
    Unknown: ['', ''],
    Video: ['video', 'src poster'],
  };
  for (const [name, [tags, attributes, flags]] of Object.entries(kinds)) {
    const made = { [name]: class extends HTMLElement {} }[name];
    for (const tag of tags.split(' ')) if (tag) byTag[tag] = made;
    if (attributes) reflect(made.prototype, same(attributes));
    if (flags) states(made.prototype, flags);
    G[`HTML${name}Element`] = made;
  }
  G.SVGElement = class SVGElement extends Element {};
  for (const name of 'Graphics SVG Image Use A Script Path G FEImage'.split(' ')) G[`SVG${name}Element`] = { [name]: class extends G.SVGElement {} }[name];
  G.MathMLElement = class MathMLElement extends Element {};
  handled(G.SVGElement.prototype);
  define(G.HTMLTemplateElement.prototype, { content: { get() { return wrap(host.content(this[secret])); } } });
  define(G.HTMLIFrameElement.prototype, { contentWindow: { get: () => null }, contentDocument: { get: () => null } });
  define(G.HTMLStyleElement.prototype, { sheet: { get: () => null } });
  Object.assign(G.HTMLSlotElement.prototype, { assignedNodes: () => [], assignedElements: () => [] });
  Object.assign(G.HTMLDialogElement.prototype, {
    show() { this.open = true; },
    showModal() { this.open = true; host.setState(this[secret], 'modal', true); },
    close() {
      if (!this.open) return;
      this.open = false;
      host.setState(this[secret], 'modal', false);
      this.dispatchEvent(new G.Event('close'));
    },
    requestClose() { if (this.dispatchEvent(new G.Event('cancel', { cancelable: true }))) this.close(); },
  });

  G.CSSStyleSheet = class CSSStyleSheet extends EventTarget {
    constructor() { super(); this.text = ''; this.cssRules = []; }
    replaceSync(text) { this.text = String(text); }
    async replace(text) { this.replaceSync(text); return this; }
    insertRule(text) { this.text += '\n' + text; return 0; }
    deleteRule() { throw new TypeError('a rule that is deleted can not be judged'); }
  };
  const sheets = new WeakMap();
  const adopts = {
    adoptedStyleSheets: {
      get() { return sheets.get(this) ?? []; },
      set(all) { sheets.set(this, all); host.adopt(this[secret], () => all.map((s) => s.text)); },
    },
    activeElement: { get() { return wrap(host.focused(this[secret])); } },
  };
  define(ShadowRoot.prototype, { ...adopts, host: { get() { return wrap(host.hostOf(this[secret])); } } });
  host.shared.adopts = adopts;
  G.DOMTokenList = class DOMTokenList {};
  G.NodeList = class NodeList {};
  void DocumentFragment;
});
