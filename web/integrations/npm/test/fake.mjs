// As much of a page as the package touches: scripts that load when the test says so, and events on document.
export const page = () => {
  const document = Object.assign(new EventTarget(), {
    baseURI: 'https://shop.example/',
    scripts: [],
    createElement: () =>
      Object.assign(new EventTarget(), {
        remove() {
          document.scripts.splice(document.scripts.indexOf(this), 1);
        },
      }),
    head: { prepend: (script) => document.scripts.unshift(script) },
  });
  return { document };
};

export const state = (categories, more = {}) => ({ decided: true, categories, vendors: {}, signal: false, ...more });

/** What the banner tells. */
export const emit = (name, detail) => document.dispatchEvent(Object.assign(new Event('volenti:' + name), { detail }));

let copies = 0;
/** The package, as a page that has just been loaded has it. */
export const fresh = async () => {
  const { createRequire } = await import('node:module');
  const require = createRequire(import.meta.url);
  copies++;
  const path = require.resolve('../index.cjs');
  delete require.cache[path];
  return require(path);
};
