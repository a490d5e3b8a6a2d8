// Before packing: the types of window.volenti come from the banner's own sources, so that there is one text of them.
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
copyFileSync(here('../../../banner/volenti.d.ts'), here('volenti.d.ts'));
copyFileSync(here('../../../LICENSE'), here('LICENSE'));
