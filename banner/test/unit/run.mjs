// Bundles each test with the sources it tests, as the compiler would: the modules of a notice are constants. Then runs
// them with node's own test runner.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { unseen } from './cover.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Four categories, one of them the site's own and like marketing; four vendors. */
export const notice = {
  origins: ['https://www.shop.example', 'https://outlet.example', 'https://out.example'],
  notice: '0123456789abcdef',
  categories: ['necessary', 'preferences', 'analytics', 'marketing', 'social'],
  like: 'npamm',
  unasked: '1----.----',
  none: '10000.1000',
  vendors: [['shop', 0], ['video', 1], ['counter', 2], ['ads', 3]],
  vendorNames: ['Test Shop', 'Test Video', 'Test Counter', 'Test Ads'],
  stored: [['_count', 0, 2], ['_count_*', 0, 2], ['_shared', 0, 2], ['_shared', 0, 3], ['ads', 1, 3]],
  validity: 15552000,
};

/** VOLENTI of src/virtual.d.ts, as far as what is tested here knows it. */
const constants = {
  site: 'shop',
  google: [['ad_storage', 3, 4], ['ad_user_data', 3, 4], ['ad_personalization', 3, 4], ['analytics_storage', 2], ['functionality_storage', 1], ['personalization_storage', 1], ['security_storage']],
  googleWait: 500,
  googleRedact: false,
  googlePassthrough: true,
  googleBasic: true,
  googleAdvanced: false,
  googleVendors: [],
  at: { analytics: [2] },
  dnt: 'opt-out',
  share: true,
};

/** Constants that a test may set. */
const variables = { age: 'globalThis.minimumAge' };

const virtual = {
  name: 'virtual',
  setup(build) {
    build.onResolve({ filter: /^volenti:notice$/ }, ({ path }) => ({ path, namespace: 'virtual' }));
    build.onLoad({ filter: /.*/, namespace: 'virtual' }, () => ({
      contents: Object.entries(notice).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)}`).join('\n'),
    }));
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outdir = mkdtempSync(join(tmpdir(), 'volenti-unit-'));
  try {
    const entryPoints = readdirSync(here).filter((name) => name.endsWith('.test.mjs')).map((name) => join(here, name));
    await build({
      entryPoints, outdir, bundle: true, platform: 'node', format: 'esm', target: 'node20', outExtension: { '.js': '.mjs' },
      plugins: [virtual], define: Object.fromEntries(
        [...Object.entries(constants).map(([name, value]) => [name, JSON.stringify(value)]), ...Object.entries(variables)].map(([name, value]) => ['VOLENTI.' + name, value]),
      ), tsconfigRaw: '{}', logLevel: 'warning',
      // What the sources touch when they are loaded, and no more.
      banner: { js: 'globalThis.document ??= {}; globalThis.navigator ??= {}; globalThis.window ??= {}; globalThis.minimumAge = 0;' },
    });
    const cover = process.argv.includes('--cover') && join(outdir, 'coverage');
    process.exitCode = spawnSync(process.execPath, ['--test', outdir], { stdio: cover ? ['ignore', 'ignore', 'inherit'] : 'inherit', env: { ...process.env, ...(cover ? { NODE_V8_COVERAGE: cover } : {}) } }).status ?? 1;
    if (cover && !unseen(cover, outdir)) process.exitCode = 1;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
