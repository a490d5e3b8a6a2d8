// What somebody writes into a field to have it run in somebody else's browser. Each calls `sentinel` with its number.
// After the OWASP cheat sheets, html5sec.org, and what sanitizers were got around by (mXSS, CVE-2020-26870, CVE-2024-45801).
const call = 'sentinel(N)';

const handlers = ['onload', 'onerror', 'onfocus', 'onmouseover', 'ontoggle', 'onanimationstart', 'onpointerenter', 'onbegin', 'onstart', 'onscrollend', 'oncontentvisibilityautostatechange', 'onbeforetoggle'];
const elements = ['img src=x', 'svg', 'body', 'iframe', 'input autofocus', 'details open', 'video src=x', 'audio src=x', 'marquee', 'object data=x', 'math', 'custom-el tabindex=0'];
const attributes = elements.flatMap((element) => handlers.map((handler) => `<${element} ${handler}=${call}>`));

const schemes = ['javascript:', 'JaVaScRiPt:', ' javascript:', 'java\tscript:', 'java\nscript:', '\u0001javascript:', 'javascript&colon;', '&#106;avascript:', '&#x6A;avascript:', 'jav&#x0A;ascript:', 'data:text/html,<script>', 'vbscript:', 'blob:', 'view-source:javascript:', '//javascript:', 'http:javascript:', 'feed:javascript:', 'x-javascript:'];
const urls = schemes.flatMap((scheme) => [
  `[a](${scheme}${call})`,
  `[a](<${scheme}${call}>)`,
  `![a](${scheme}${call})`,
  `<${scheme}${call}>`,
  `<a href="${scheme}${call}">a</a>`,
  `<form action="${scheme}${call}"><button>b</button></form>`,
  `<iframe src="${scheme}${call}"></iframe>`,
  `[a]: ${scheme}${call}\n\n[a]`,
]);

const markup = [
  `<script>${call}</script>`, `<SCRIPT>${call}</SCRIPT>`, `<script src=data:,${call}></script>`, `<scr<script>ipt>${call}</scr</script>ipt>`, `<script\n>${call}</script >`, `<script/x>${call}</script>`,
  `</title><script>${call}</script>`, `</textarea><script>${call}</script>`, `</style><script>${call}</script>`, `</noscript><script>${call}</script>`, `</template><script>${call}</script>`, `--><script>${call}</script>`, `]]><script>${call}</script>`,
  `"><script>${call}</script>`, `'><script>${call}</script>`, `" autofocus onfocus=${call} x="`, `' autofocus onfocus=${call} x='`, `" onmouseover="${call}`, `x onfocus=${call} autofocus`, `\`"'><img src=x onerror=${call}>`,
  `<svg><script>${call}</script></svg>`, `<svg><script href="data:,${call}"/></svg>`, `<svg><animate attributeName=href values=javascript:${call} /><a id=x><text>a</text></a></svg>`, `<svg><use href="data:image/svg+xml,<svg id=x onload=${call}>#x"/></svg>`, `<svg><set onbegin=${call} attributeName=x></svg>`, `<svg><foreignObject><iframe srcdoc="<script>parent.${call}</script>"></foreignObject></svg>`, `<svg><style><img src=x onerror=${call}></style></svg>`, `<svg></p><style><a id="</style><img src=1 onerror=${call}>">`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${call}&gt;">`, `<math><annotation-xml encoding="text/html"><img src=x onerror=${call}></annotation-xml></math>`, `<math href="javascript:${call}">a</math>`, `<math><mi//xlink:href="data:x,<script>${call}</script>">`, `<form><math><mtext></form><form><mglyph><style></math><img src onerror=${call}>`,
  `<noscript><p title="</noscript><img src=x onerror=${call}>">`, `<template><img src=x onerror=${call}></template>`, `<xmp><p title="</xmp><img src=x onerror=${call}>">`, `<listing>&lt;img onerror=${call} src=x&gt;</listing>`, `<iframe srcdoc="&lt;script&gt;parent.${call}&lt;/script&gt;"></iframe>`, `<plaintext><img src=x onerror=${call}>`, `<select><style><img src=x onerror=${call}></style></select>`, `<a id=x><table><a><style><!--</style><img title="--><img src=x onerror=${call}>">`,
  `<base href="javascript:${call}//"><a href="#">a</a>`, `<meta http-equiv=refresh content="0;url=javascript:${call}">`, `<link rel=stylesheet href="data:text/css,*{}" onload=${call}>`, `<link rel=import href="data:text/html,<script>${call}</script>">`, `<embed src="javascript:${call}">`, `<object data="javascript:${call}"></object>`, `<frameset onload=${call}>`, `<isindex type=image src=1 onerror=${call}>`, `<keygen autofocus onfocus=${call}>`, `<dialog open oncancel=${call}>`, `<button popovertarget=x onclick=${call}>b</button>`, `<form id=x><output name=innerHTML>${call}</output></form>`,
  `<style>@import "javascript:${call}";</style>`, `<div style="background:url(javascript:${call})">`, `<div style="width:expression(${call})">`, `<p style="animation:x" onanimationstart=${call}>`, `<style>*{x:expression(${call})}</style>`, `<img style="xss:expr/*x*/ession(${call})">`, `</style><img src=x onerror=${call}>`, `*{background:url("javascript:${call}")}`, `\\22\\3e\\3cimg src=x onerror=${call}\\3e`,
  `{{constructor.constructor('${call}')()}}`, `\${${call}}`, `<%= ${call} %>`, `{{.}}{{template "x"}}`, `{{\`<script>${call}</script>\`}}`, `#{${call}}`, `[[\${${call}}]]`, `{% raw %}<script>${call}</script>`, `{controller}<script>${call}</script>{n}`, `{purposes}" onload=${call} "`, `%3Cscript%3E${call}%3C/script%3E`, `&lt;script&gt;${call}&lt;/script&gt;`, `&amp;lt;script&amp;gt;${call}`, `\\u003cscript\\u003e${call}\\u003c/script\\u003e`, `\\x3cscript\\x3e${call}`, `</script><script>${call}</script>`, `<!--<script>${call}//--></script>`, `';${call};//`, `";${call};//`, `\`;${call};//`, `);${call};(`, `\u2028${call}\u2029`, `*/${call}/*`,
  `\u202e<script>${call}</script>`, `\u2066<img src=x onerror=${call}>\u2069`, `‏<svg onload=${call}>`, `اختبار"><img src=x onerror=${call}>`, `\uFEFF<script>${call}</script>`, `<\u200bscript>${call}</script>`, `＜script＞${call}＜/script＞`, `ʺ><img src=x onerror=${call}>`, `<ſcript>${call}</ſcript>`, `<ımg src=x onerror=${call}>`, `<img src=x oneRrOr=${call}>`, `<img/src=x/onerror=${call}>`, `<img\fsrc=x\fonerror=${call}>`, `<img src=x onerror\n=\n${call}>`, `<img src="x\`y" onerror=${call}>`, `<img src=x:x onerror=${call} `, `<<img src=x onerror=${call}>`, `<img src=x onerror=${call}//`, `<a\u0000href=javascript:${call}>`,
];

const markdown = [`> <img src=x onerror=${call}>`, `- <svg onload=${call}>`, `# <img src=x onerror=${call}>`, `| a | <img src=x onerror=${call}> |\n| - | - |\n| <svg onload=${call}> | b |`, `\`<img src=x onerror=${call}>\``, `~~~"><script>${call}</script>\nx\n~~~`, `[a](x "onmouseover=${call} x=")`, `[a](x '"onmouseover=${call}')`, `![" onerror=${call} x="](x)`, `[<img src=x onerror=${call}>](http://x)`, `<http://x" onmouseover=${call}>`, `**<b onmouseover=${call}>x</b>**`, `[a](http://x)<script>${call}</script>`, `***\n<script>${call}</script>\n***`, `&#60;script&#62;${call}&#60;/script&#62;`];
/** Attributes that close early, with every quote, in every place they may stand. */
const quotes = ['"', "'", '`', '&quot;', '&#39;', '\\"', "\\'", '%22'];
const broken = quotes.flatMap((q) => handlers.map((handler) => `x${q} ${handler}=${q}${call}${q} autofocus tabindex=0 y=${q}`));

export const payloads = [...attributes, ...urls, ...markup, ...markdown, ...broken].map((text, i) => text.replaceAll('(N)', `(${i + 1})`));
