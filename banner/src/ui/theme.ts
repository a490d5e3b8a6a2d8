/**
 * What every host of ours starts from: the page's custom properties (docs/styling.md), else the notice's look. Light or
 * dark comes from the system colours of the colour scheme. Accept, reject and settings read the same properties, so that
 * no style of a page can favour one of them.
 */
export const look =
  `:host{color-scheme:${VOLENTI.scheme}!important;` +
  `--v-a:var(--volenti-accent,${VOLENTI.accent});--v-o:var(--volenti-on-accent,${VOLENTI.onAccent});--v-r:var(--volenti-radius,${VOLENTI.radius}px);` +
  '--v-b:var(--volenti-background,Canvas);--v-t:var(--volenti-text,CanvasText);--v-l:var(--volenti-border,#8886);--v-f:var(--volenti-font,system-ui,sans-serif)}';
