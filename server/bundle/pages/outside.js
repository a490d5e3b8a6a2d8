'use strict';
// Puts what was archived into a frame that may run scripts and nothing else: no origin, no forms, no windows, no network.
const evidence = JSON.parse(document.getElementById('evidence').textContent);
const inside = JSON.parse(document.getElementById('inside').textContent);
const frame = document.querySelector('iframe');
const chosen = (name) => document.querySelector(`input[name=${name}]:checked`)?.value;
/** JSON that can stand in a script element. */
const quoted = (value) => JSON.stringify(value).replace(/</g, '\\u003c');

const bars = '<div aria-hidden="true" class="bars"><i class="high"></i><i></i><i></i><i class="half"></i><i class="high"></i><i></i><i></i><i class="half"></i></div>';
const style = `:root { color-scheme: light dark } body { margin: 0; font: 1rem/1.5 system-ui, sans-serif }
.bars { padding: 1rem } i { display: block; block-size: .9rem; margin: .9rem 0; border-radius: .3rem; background: currentcolor; opacity: .12 } .high { block-size: 8rem } .half { inline-size: 55% }`;

const build = () => {
  document.body.className = chosen('screen');
  if (evidence.page !== undefined) {
    frame.setAttribute('sandbox', '');
    // The page's own style sheet, in the place of the addresses of what is fetched.
    frame.srcdoc = evidence.page.replace(/<link [^>]*>/g, '').replace('</head>', () => `<style>${evidence.style ?? ''}</style></head>`);
    return;
  }
  frame.setAttribute('sandbox', 'allow-scripts');
  const { language, direction, inline } = evidence;
  frame.srcdoc = `<!doctype html><html lang="${language}" dir="${direction}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Replay</title><style>${style}</style><script type="application/json" id="evidence">${quoted({ ...evidence, second: chosen('layer') === 'second' })}</` + `script><script>${inside}</` + `script></head>
<body>${inline ? '<volenti-banner></volenti-banner>' : ''}${bars}</body></html>`;
};
document.addEventListener('change', build);
build();
