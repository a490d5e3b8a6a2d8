package edge

import (
	"testing"
)

// What may not be fetched is moved aside, and nothing else is changed.
func TestHeldTags(t *testing.T) {
	const (
		counter = `data-category="analytics" data-service="counter"`
		ads     = `data-category="marketing" data-service="ads"`
		unknown = `data-category="marketing"`
	)
	for _, tt := range []struct{ name, in, want string }{
		{"a script", `<script src="https://tracker.example/t.js"></script>`, `<script type="text/plain" ` + counter + ` data-src="https://tracker.example/t.js"></script>`},
		{"its other attributes stay", `<SCRIPT  async SRC=//tracker.example/t.js crossorigin='anonymous' Type="text/javascript" nonce=abc>x</SCRIPT>`,
			`<SCRIPT type="text/plain" ` + counter + `  async data-src=//tracker.example/t.js crossorigin='anonymous' data-type="text/javascript" nonce=abc>x</SCRIPT>`},
		{"a module", `<script type=module src="https://tracker.example/t.js"></script>`, `<script type="text/plain" ` + counter + ` data-type=module data-src="https://tracker.example/t.js"></script>`},
		{"an unknown host", `<script src="https://nobody.test/t.js"></script>`, `<script type="text/plain" ` + unknown + ` data-src="https://nobody.test/t.js"></script>`},
		{"by path", `<script src="https://ads.example/x"></script><script src="https://ads.example/pay/x"></script>`, `<script type="text/plain" ` + ads + ` data-src="https://ads.example/x"></script><script src="https://ads.example/pay/x"></script>`},
		{"first of two", `<script src="https://tracker.example/a" src="/b"></script>`, `<script type="text/plain" ` + counter + ` data-src="https://tracker.example/a"></script>`},
		{"second of two", `<script src="/a" src="https://tracker.example/b"></script>`, `<script src="/a" src="https://tracker.example/b"></script>`},
		{"an earlier data-src goes", `<img data-src="/later.png" src="https://tracker.example/p.gif">`, `<img ` + counter + ` data-src="https://tracker.example/p.gif">`},
		{"a path of the site's own that is a vendor's", `<script src="/metrics/m.js"></script><script src="../metrics/m.js"></script><script src="metrics/m.js"></script>`,
			`<script type="text/plain" ` + counter + ` data-src="/metrics/m.js"></script><script type="text/plain" ` + counter + ` data-src="../metrics/m.js"></script><script src="metrics/m.js"></script>`},
		{"a frame", `<iframe src="https://films.example/1" title="Film"></iframe>`, `<iframe data-category="preferences" data-service="films" data-src="https://films.example/1" title="Film"></iframe>`},
		{"an image", `<img src="https://tracker.example/p.gif" alt="">`, `<img ` + counter + ` data-src="https://tracker.example/p.gif" alt="">`},
		{"only the held one of two", `<img src="/a.png" srcset="/b.png 1x, https://tracker.example/c.png 2x">`, `<img ` + counter + ` src="/a.png" data-srcset="/b.png 1x, https://tracker.example/c.png 2x">`},
		{"srcset with commas", `<img srcset="https://tracker.example/a,b.png, /c.png 2x"><img srcset="/a.png (x,y) 1x,https://ads.example/b.png">`,
			`<img ` + counter + ` data-srcset="https://tracker.example/a,b.png, /c.png 2x"><img ` + ads + ` data-srcset="/a.png (x,y) 1x,https://ads.example/b.png">`},
		{"two vendors", `<video src="https://tracker.example/v" poster="https://ads.example/p">`, `<video data-category="analytics marketing" data-src="https://tracker.example/v" data-poster="https://ads.example/p">`},
		{"links that fetch", `<link rel=preconnect href=https://tracker.example><link rel="DNS-Prefetch" href="//tracker.example"><link rel="stylesheet" href="https://tracker.example/x.css"><link rel="alternate stylesheet" href="https://tracker.example/y.css">`,
			`<link ` + counter + ` rel=preconnect data-href=https://tracker.example><link ` + counter + ` rel="DNS-Prefetch" data-href="//tracker.example"><link ` + counter + ` rel="stylesheet" data-href="https://tracker.example/x.css"><link ` + counter + ` rel="alternate stylesheet" data-href="https://tracker.example/y.css">`},
		{"links that don't", `<link rel="canonical" href="https://tracker.example/"><link rel=me href=https://tracker.example><a href="https://tracker.example">t</a>`, ""},
		{"imagesrcset", `<link rel=preload as=image imagesrcset="https://tracker.example/a 1x">`, `<link ` + counter + ` rel=preload as=image data-imagesrcset="https://tracker.example/a 1x">`},
		{"object, embed, audio, track, source, input", `<object data="https://tracker.example/o"></object><embed src="https://tracker.example/e"><audio src="https://tracker.example/a"></audio><track src="https://tracker.example/t"><source src="https://tracker.example/s"><input type=image src="https://tracker.example/i"><input src="https://tracker.example/n">`,
			`<object ` + counter + ` data-data="https://tracker.example/o"></object><embed ` + counter + ` data-src="https://tracker.example/e"><audio ` + counter + ` data-src="https://tracker.example/a"></audio><track ` + counter + ` data-src="https://tracker.example/t"><source ` + counter + ` data-src="https://tracker.example/s"><input ` + counter + ` type=image data-src="https://tracker.example/i"><input src="https://tracker.example/n">`},
		{"of SVG", `<svg><image href="https://tracker.example/i"/><use xlink:href="https://tracker.example/u#a"/><feImage href="https://tracker.example/f"/><a href="https://tracker.example"/><script href="https://tracker.example/s"/></svg>`,
			`<svg><image ` + counter + ` data-href="https://tracker.example/i"/><use ` + counter + ` data-href="https://tracker.example/u#a"/><feImage ` + counter + ` data-href="https://tracker.example/f"/><a href="https://tracker.example"/><script type="text/plain" ` + counter + ` data-href="https://tracker.example/s"/></svg>`},
		{"animated", `<svg><image><set attributeName=href to="https://tracker.example/i"/></image></svg>`, `<svg><image><set ` + counter + ` attributeName=href data-to="https://tracker.example/i"/></image></svg>`},
		{"style attribute", `<p style="background:url(https://tracker.example/b.png)">x</p><p style="color:red">y</p>`, `<p ` + counter + ` data-style="background:url(https://tracker.example/b.png)">x</p><p style="color:red">y</p>`},
		{"attributes of presentation", `<svg><rect fill="url(https://tracker.example/#p)"/></svg>`, `<svg><rect ` + counter + ` data-fill="url(https://tracker.example/#p)"/></svg>`},
		{"background", `<body background="https://tracker.example/b.png"><p background="https://tracker.example/b.png">`, `<body ` + counter + ` data-background="https://tracker.example/b.png"><p background="https://tracker.example/b.png">`},
		{"handlers", `<img src=/a onload="new Image().src='https://tracker.example/p'">`, `<img ` + counter + ` src=/a data-onload="new Image().src='https://tracker.example/p'">`},
		{"ping", `<a href=/x ping="/y https://tracker.example/p">x</a>`, `<a ` + counter + ` href=/x data-ping="/y https://tracker.example/p">x</a>`},
		{"refresh to a vendor", `<meta http-equiv=Refresh content="0; url='https://tracker.example/'"><meta http-equiv=refresh content="3;https://elsewhere.test/?a=b">`, `<meta ` + counter + ` data-http-equiv=Refresh content="0; url='https://tracker.example/'"><meta http-equiv=refresh content="3;https://elsewhere.test/?a=b">`},
		{"srcdoc", `<iframe srcdoc="<script src=&quot;https://tracker.example/t.js&quot;></script>"></iframe><iframe srcdoc="<p>hello"></iframe>`,
			`<iframe ` + counter + ` data-srcdoc="<script src=&quot;https://tracker.example/t.js&quot;></script>"></iframe><iframe srcdoc="<p>hello"></iframe>`},
		{"srcdoc in srcdoc", `<iframe srcdoc='<iframe srcdoc="&lt;img src=//tracker.example>">'></iframe>`, `<iframe ` + counter + ` data-srcdoc='<iframe srcdoc="&lt;img src=//tracker.example>">'></iframe>`},
		{"data:", `<iframe src="data:text/html;base64,PGltZyBzcmM9Ly90cmFja2VyLmV4YW1wbGU+"></iframe><script src="data:,new%20Image().src='https://tracker.example'"></script>`,
			`<iframe ` + counter + ` data-src="data:text/html;base64,PGltZyBzcmM9Ly90cmFja2VyLmV4YW1wbGU+"></iframe><script type="text/plain" ` + counter + ` data-src="data:,new%20Image().src='https://tracker.example'"></script>`},
		{"inline script of a vendor", `<script>var t=document.createElement('script');t.src='https://tracker.example/t.js';</script>`, `<script type="text/plain" ` + counter + `>var t=document.createElement('script');t.src='https://tracker.example/t.js';</script>`},
		{"one that speaks of an unknown host", `<script>fetch('https://nobody.test/')</script>`, ""},
		{"a vendor's address in a comment", `<script>// see https://tracker.example/docs
		/* (https://tracker.example/docs) */ start()</script>`, ""},
		{"a call of a vendor", `<script> fbq('track','Purchase')</script><script>if(window.fbq)fbq('x')</script>`, `<script type="text/plain" data-category="marketing" data-service="meta"> fbq('track','Purchase')</script><script>if(window.fbq)fbq('x')</script>`},
		{"data in scripts", `<script type="application/json">{"u":"https://tracker.example"}</script><script type=importmap>{"imports":{"a":"https://tracker.example/a.js"}}</script><script type="text/template"><img src="https://tracker.example/"></script>`, ""},
		{"speculation rules", `<script type=speculationrules>{"prefetch":[{"urls":["https://tracker.example/"]}]}</script>`, `<script type="text/plain" ` + counter + ` data-type=speculationrules>{"prefetch":[{"urls":["https://tracker.example/"]}]}</script>`},
		{"style sheet", `<style>@import "https://tracker.example/a.css";</style><style>p{color:red}</style>`, `<template ` + counter + `><style>@import "https://tracker.example/a.css";</style></template><style>p{color:red}</style>`},
		{"style sheet in SVG", `<svg><style>@import url(https://tracker.example/a.css);</style></svg>`, `<svg><style type="text/plain" ` + counter + `>@import url(https://tracker.example/a.css);</style></svg>`},
		{"noscript", `<noscript><img src="https://tracker.example/p.gif"></noscript>`, `<noscript><img ` + counter + ` data-src="https://tracker.example/p.gif"></noscript>`},
		{"template", `<template><img src="https://tracker.example/p.gif"></template>`, `<template><img ` + counter + ` data-src="https://tracker.example/p.gif"></template>`},
		{"text", `<textarea><script src="https://tracker.example/t.js"></script></textarea><title><img src=//tracker.example></title><!-- <img src=//tracker.example> --><xmp><img src=//tracker.example></xmp>`, ""},
		{"a base of a vendor", `<base href="https://tracker.example/x/"><script src="t.js"></script>`, `<base ` + counter + ` data-href="https://tracker.example/x/"><script src="t.js"></script>`},
		{"a base that is free", `<base href="https://ads.example/pay/"><script src="t.js"></script><script src="../t.js"></script>`, `<base href="https://ads.example/pay/"><script src="t.js"></script><script type="text/plain" ` + ads + ` data-src="../t.js"></script>`},
		{"own, allowed and necessary", `<script src="/a.js"></script><script src="https://static.shop.example/a.js"></script><script src="https://cdn.friend.example/a.js"></script><script src="https://pay.example/v3"></script>`, ""},
		{"marked by the site", `<script type="text/plain" data-category="analytics" data-src="https://tracker.example/t.js"></script><iframe data-category=preferences data-src="https://films.example/1"></iframe>`, ""},
		{"marked by the site and live", `<img data-category="marketing" src="https://tracker.example/p.gif"><img data-category="necessary" src="https://tracker.example/q.gif"><img data-category="shoes" src="https://tracker.example/r.gif">`,
			`<img data-category="marketing" data-src="https://tracker.example/p.gif"><img data-category="necessary" src="https://tracker.example/q.gif"><img ` + counter + ` data-src="https://tracker.example/r.gif">`},
		{"an href that is nobody's", `<button href="https://tracker.example/">x</button><g href="https://tracker.example/"></g>`, ""},
		{"custom elements", `<my-frame src="https://tracker.example/" href="https://tracker.example/"></my-frame>`, ""},
		{"entities", `<img src="&#104;ttps&colon;//tracker&period;example/p&quest;a=1&amp;b=2">`, `<img ` + counter + ` data-src="&#104;ttps&colon;//tracker&period;example/p&quest;a=1&amp;b=2">`},
		{"the end within a tag", `<p>a</p><img src="https://tracker.example/`, ""},
		{"the end within a script", `<script>"https://tracker.example/"`, `<script type="text/plain" ` + counter + `>"https://tracker.example/"`},
	} {
		if tt.want == "" {
			tt.want = tt.in
		}
		for _, pieces := range []int{0, 1, 7} {
			if got := rewrite(shopPage(t, Nothing{}), tt.in, pieces); got != tt.want {
				t.Errorf("%s, in pieces of %d:\n got %s\nwant %s", tt.name, pieces, got, tt.want)
				break
			}
		}
		if got := rewrite(shopPage(t, Nothing{}), tt.want, 0); got != tt.want {
			t.Errorf("%s, again:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestWhatIsGrantedPasses(t *testing.T) {
	const in = `<script src="https://tracker.example/t.js"></script><img src="https://ads.example/p.gif"><script src="https://nobody.test/t.js"></script>`
	for _, tt := range []struct {
		grants granted
		want   string
	}{
		{granted{"analytics", "marketing"}, in},
		{granted{"analytics"}, `<script src="https://tracker.example/t.js"></script><img data-category="marketing" data-service="ads" data-src="https://ads.example/p.gif"><script type="text/plain" data-category="marketing" data-src="https://nobody.test/t.js"></script>`},
		{granted{"marketing/ads"}, `<script type="text/plain" data-category="analytics" data-service="counter" data-src="https://tracker.example/t.js"></script><img src="https://ads.example/p.gif"><script type="text/plain" data-category="marketing" data-src="https://nobody.test/t.js"></script>`},
	} {
		if got := rewrite(shopPage(t, tt.grants), in, 0); got != tt.want {
			t.Errorf("%v:\n got %s\nwant %s", tt.grants, got, tt.want)
		}
	}
}
