// Nodes, elements and events, as far as a banner needs them. The tree itself is kept in Go (tree.go), where it is
// judged; what stands here is the shape that scripts see. `host` is the page in Go.
(function (host) {
  'use strict';
  const G = globalThis;
  const facades = [];
  const secret = Symbol('node');
  const wrap = (id) => (id < 0 ? null : (facades[id] ?? make(id)));
  const list = (ids) => ids.map(wrap);
  const define = (proto, members) => {
    for (const name of Object.keys(members))
      Object.defineProperty(proto, name, { configurable: true, enumerable: true, ...members[name] });
  };

  // Events
  const listeners = new WeakMap();
  const of = (target, type) => {
    let all = listeners.get(target);
    if (!all) listeners.set(target, (all = {}));
    return (all['$' + type] ??= []);
  };
  const call = (target, f, event) => {
    try {
      if (typeof f === 'function') return f.call(target, event);
      if (f && typeof f.handleEvent === 'function') return f.handleEvent(event);
    } catch (e) {
      host.thrown(String((e && e.stack) || e));
    }
  };
  class Event {
    constructor(type, init = {}) {
      Object.assign(this, { type: String(type), bubbles: !!init.bubbles, cancelable: !!init.cancelable, composed: !!init.composed });
      Object.assign(this, { target: null, currentTarget: null, defaultPrevented: false, isTrusted: true, timeStamp: 0, eventPhase: 0 });
    }
    preventDefault() {
      this.defaultPrevented = true;
    }
    stopPropagation() {
      this.stopped = true;
    }
    stopImmediatePropagation() {
      this.stopped = this.halted = true;
    }
    composedPath() {
      return this.path ?? [];
    }
  }
  class EventTarget {
    addEventListener(type, f, options) {
      const all = of(this, type);
      if (f && !all.some((l) => l.f === f)) all.push({ f, once: !!(options && options.once) });
    }
    removeEventListener(type, f) {
      const all = of(this, type);
      const i = all.findIndex((l) => l.f === f);
      if (i >= 0) all.splice(i, 1);
    }
    dispatchEvent(event) {
      const path = [this];
      if (this instanceof Node)
        for (let n = this.$parentOrHost(); n; n = n.$parentOrHost()) path.push(n);
      if (this !== G && path[path.length - 1] === G.document) path.push(G);
      event.target = event.srcElement = this;
      event.path = path;
      for (const target of path) {
        if (target !== this && (!event.bubbles || event.stopped)) break;
        event.currentTarget = target;
        const own = handlers.get(target);
        if (own && own['on' + event.type] && call(target, own['on' + event.type], event) === false) event.preventDefault();
        for (const l of [...of(target, event.type)]) {
          if (event.halted) break;
          if (l.once) target.removeEventListener(event.type, l.f);
          call(target, l.f, event);
        }
      }
      event.currentTarget = null;
      return !event.defaultPrevented;
    }
  }
  const handlers = new WeakMap();
  const types =
    'click dblclick mousedown mouseup mousemove mouseover mouseout mouseenter mouseleave pointerdown pointerup pointermove pointerenter pointerleave pointerover pointerout keydown keyup keypress focus blur focusin focusout input change submit reset load error abort close cancel toggle scroll wheel touchstart touchend message storage pageshow pagehide beforeunload unload visibilitychange readystatechange online offline popstate hashchange transitionend animationend';
  const handled = (proto) => {
    for (const type of types.split(' '))
      define(proto, {
        ['on' + type]: {
          get() {
            return handlers.get(this)?.['on' + type] ?? null;
          },
          set(f) {
            let own = handlers.get(this);
            if (!own) handlers.set(this, (own = {}));
            own['on' + type] = f;
          },
        },
      });
  };

  // Nodes
  const node = (x) => (x instanceof Node ? x : G.document.createTextNode(String(x)));
  const insert = (parent, x, before) => {
    const all = x.nodeType === 11 ? [...x.childNodes] : [x];
    for (const child of all) host.insert(parent[secret], child[secret], before ? before[secret] : -1);
    return x;
  };
  class Node extends EventTarget {
    $parentOrHost() {
      return wrap(host.parentOrHost(this[secret]));
    }
    appendChild(x) {
      return insert(this, x, null);
    }
    insertBefore(x, before) {
      if (before && before.parentNode !== this) throw new DOMException('no child of this node', 'NotFoundError');
      return insert(this, x, before);
    }
    removeChild(x) {
      host.remove(x[secret]);
      return x;
    }
    replaceChild(x, old) {
      insert(this, x, old);
      host.remove(old[secret]);
      return old;
    }
    contains(x) {
      for (; x; x = x.parentNode) if (x === this) return true;
      return false;
    }
    hasChildNodes() {
      return this.childNodes.length > 0;
    }
    getRootNode() {
      let n = this;
      while (n.parentNode) n = n.parentNode;
      return n;
    }
    compareDocumentPosition(x) {
      return host.follows(this[secret], x[secret]) ? 4 : 2;
    }
    isSameNode(x) {
      return this === x;
    }
    cloneNode(deep) {
      return wrap(host.clone(this[secret], !!deep));
    }
    normalize() {}
    append(...all) {
      for (const x of all) insert(this, node(x), null);
    }
    prepend(...all) {
      const first = this.firstChild;
      for (const x of all) insert(this, node(x), first);
    }
    replaceChildren(...all) {
      for (const x of this.childNodes) host.remove(x[secret]);
      this.append(...all);
    }
    before(...all) {
      for (const x of all) insert(this.parentNode, node(x), this);
    }
    after(...all) {
      const next = this.nextSibling;
      for (const x of all) insert(this.parentNode, node(x), next);
    }
    replaceWith(...all) {
      this.before(...all);
      this.remove();
    }
    remove() {
      host.remove(this[secret]);
    }
    querySelector(s) {
      return list(host.select(this[secret], String(s), true))[0] ?? null;
    }
    querySelectorAll(s) {
      return list(host.select(this[secret], String(s), false));
    }
    getElementsByTagName(s) {
      return this.querySelectorAll(s);
    }
    getElementsByClassName(s) {
      return this.querySelectorAll('.' + s);
    }
    getElementById(id) {
      return list(host.select(this[secret], `[id="${id}"]`, true))[0] ?? null;
    }
  }
  const kids = (n) => list(host.children(n[secret]));
  const beside = (n, step) => {
    const all = n.parentNode ? kids(n.parentNode) : [];
    return all[all.indexOf(n) + step] ?? null;
  };
  const elements = (all) => all.filter((n) => n.nodeType === 1);
  define(Node.prototype, {
    nodeType: { get() { return host.kind(this[secret]); } },
    nodeName: { get() { return host.tag(this[secret]).toUpperCase(); } },
    parentNode: { get() { return wrap(host.parent(this[secret])); } },
    parentElement: { get() { const p = this.parentNode; return p && p.nodeType === 1 ? p : null; } },
    childNodes: { get() { return kids(this); } },
    children: { get() { return elements(kids(this)); } },
    childElementCount: { get() { return this.children.length; } },
    firstChild: { get() { return kids(this)[0] ?? null; } },
    lastChild: { get() { return kids(this).pop() ?? null; } },
    firstElementChild: { get() { return this.children[0] ?? null; } },
    lastElementChild: { get() { return this.children.pop() ?? null; } },
    nextSibling: { get() { return beside(this, 1); } },
    previousSibling: { get() { return beside(this, -1); } },
    nextElementSibling: { get() { let n = beside(this, 1); while (n && n.nodeType !== 1) n = beside(n, 1); return n; } },
    previousElementSibling: { get() { let n = beside(this, -1); while (n && n.nodeType !== 1) n = beside(n, -1); return n; } },
    isConnected: { get() { return host.connected(this[secret]); } },
    ownerDocument: { get() { return G.document; } },
    baseURI: { get() { return G.location.href; } },
    nodeValue: { get() { return this.nodeType === 3 ? this.textContent : null; }, set(t) { this.textContent = t; } },
    data: { get() { return host.text(this[secret]); }, set(t) { host.setText(this[secret], String(t)); } },
    textContent: {
      get() { return host.text(this[secret]); },
      set(t) { host.setText(this[secret], t === null ? '' : String(t)); },
    },
  });
  class CharacterData extends Node {}
  class Text extends CharacterData {}
  class Comment extends CharacterData {}
  class DocumentFragment extends Node {}
  class ShadowRoot extends DocumentFragment {}
  class Element extends Node {}
  class HTMLElement extends Element {
    constructor() {
      super();
      // A custom element's own class: the node was made by createElement, which waits for it.
      if (!making) throw new TypeError('Illegal constructor');
      facades[(this[secret] = making.id)] = this;
      making = null;
    }
  }
  let making = null;
  const classOf = (id) => {
    const kind = host.kind(id);
    if (kind === 1) return host.svg(id) ? G.SVGElement : (byTag[host.tag(id)] ?? HTMLElement);
    return { 3: Text, 8: Comment, 9: G.Document, 11: host.isShadow(id) ? ShadowRoot : DocumentFragment }[kind];
  };
  const byTag = {};
  const make = (id) => {
    const own = host.kind(id) === 1 && registry[host.tag(id)];
    if (own) {
      making = { id };
      return new own();
    }
    const facade = Object.create(classOf(id).prototype);
    facade[secret] = id;
    return (facades[id] = facade);
  };
  const registry = {};

  Object.assign(G, { Event, EventTarget, Node, CharacterData, Text, Comment, DocumentFragment, ShadowRoot, Element, HTMLElement });
  host.shared = { define, wrap, list, secret, handled, handlers, byTag, registry, facades, call };
});
