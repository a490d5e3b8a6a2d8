package catalogue

import (
	"slices"
	"strings"
	"testing"
)

func load(t testing.TB) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What pages of real sites load, as published tags and embeds have it: vendor
// and category of each address.
func TestKnowsWhatPagesLoad(t *testing.T) {
	c := load(t)
	for _, row := range strings.Fields(`
		ga4,analytics,www.googletagmanager.com/gtag/js
		google-tag-manager,analytics,www.googletagmanager.com/gtm.js
		google-tag-manager,analytics,www.googletagmanager.com/ns.html
		ga4,analytics,www.google-analytics.com/g/collect
		ga4,analytics,www.google-analytics.com/analytics.js
		ga4,analytics,region1.google-analytics.com/g/collect
		ga4,analytics,ssl.google-analytics.com/ga.js
		google-ads,marketing,googleads.g.doubleclick.net/pagead/viewthroughconversion/1/
		google-ads,marketing,www.googleadservices.com/pagead/conversion.js
		google-ads,marketing,www.google.com/pagead/1p-user-list/1/
		google-ads,marketing,www.google.de/pagead/1p-user-list/1/
		google-ads,marketing,www.google.com/ads/ga-audiences
		google-ads,marketing,www.google.com/ccm/collect
		google-ads,marketing,td.doubleclick.net/td/rul/1
		floodlight,marketing,1234567.fls.doubleclick.net/activityi
		floodlight,marketing,ad.doubleclick.net/activity
		adsense,marketing,pagead2.googlesyndication.com/pagead/js/adsbygoogle.js
		google-ad-manager,marketing,securepubads.g.doubleclick.net/tag/js/gpt.js
		google-maps,preferences,www.google.com/maps/embed
		google-maps,preferences,maps.googleapis.com/maps/api/js
		recaptcha,necessary,www.google.com/recaptcha/api.js
		recaptcha,necessary,www.gstatic.com/recaptcha/releases/abc/recaptcha__en.js
		recaptcha,necessary,www.recaptcha.net/recaptcha/api.js
		google-fonts,preferences,fonts.googleapis.com/css2
		google-fonts,preferences,fonts.gstatic.com/s/roboto/v1/a.woff2
		google-hosted-libraries,necessary,ajax.googleapis.com/ajax/libs/jquery/3.7.1/jquery.min.js
		google-hosted-libraries,necessary,www.gstatic.com/charts/loader.js
		google-sign-in,preferences,accounts.google.com/gsi/client
		youtube,preferences,www.youtube.com/embed/abc
		youtube,preferences,www.youtube-nocookie.com/embed/abc
		youtube,preferences,www.youtube.com/iframe_api
		meta,marketing,connect.facebook.net/en_US/fbevents.js
		meta,marketing,connect.facebook.net/signals/config/1
		meta,marketing,www.facebook.com/tr
		meta,marketing,www.facebook.com/tr/
		facebook,marketing,connect.facebook.net/en_US/sdk.js
		facebook,marketing,connect.facebook.net/de_DE/sdk/xfbml.customerchat.js
		facebook,marketing,www.facebook.com/v21.0/plugins/like.php
		instagram,marketing,www.instagram.com/embed.js
		linkedin,marketing,snap.licdn.com/li.lms-analytics/insight.min.js
		linkedin,marketing,px.ads.linkedin.com/collect
		linkedin-plugins,marketing,platform.linkedin.com/in.js
		linkedin-plugins,marketing,www.linkedin.com/embed/feed/update/1
		tiktok,marketing,analytics.tiktok.com/i18n/pixel/events.js
		tiktok-embed,marketing,www.tiktok.com/embed.js
		x-ads,marketing,static.ads-twitter.com/uwt.js
		x-ads,marketing,t.co/i/adsct
		x-ads,marketing,analytics.twitter.com/i/adsct
		x,marketing,platform.twitter.com/widgets.js
		x,marketing,syndication.twitter.com/settings
		pinterest,marketing,s.pinimg.com/ct/core.js
		pinterest,marketing,ct.pinterest.com/v3/
		pinterest-widgets,marketing,assets.pinterest.com/js/pinit.js
		reddit,marketing,www.redditstatic.com/ads/pixel.js
		reddit,marketing,alb.reddit.com/rp.gif
		reddit-embed,marketing,embed.reddit.com/widgets.js
		snap,marketing,sc-static.net/scevent.min.js
		snap,marketing,tr.snapchat.com/p
		criteo,marketing,dynamic.criteo.com/js/ld/ld.js
		criteo,marketing,sslwidgets.criteo.com/event
		taboola,marketing,cdn.taboola.com/libtrc/unip/1/tfa.js
		taboola,marketing,trc.taboola.com/1/log/3/unip
		outbrain,marketing,amplify.outbrain.com/cp/obtp.js
		uet,marketing,bat.bing.com/bat.js
		clarity,analytics,www.clarity.ms/tag/abc
		clarity,analytics,c.clarity.ms/collect
		hotjar,analytics,static.hotjar.com/c/hotjar-1.js
		hotjar,analytics,in.hotjar.com/api/v2/client
		contentsquare,analytics,t.contentsquare.net/uxa/abc.js
		hubspot,marketing,js.hs-scripts.com/1.js
		hubspot,marketing,js.hs-analytics.net/analytics/1/1.js
		hubspot,marketing,track.hubspot.com/__ptq.gif
		segment,analytics,cdn.segment.com/analytics.js/v1/abc/analytics.min.js
		segment,analytics,api.segment.io/v1/p
		mixpanel,analytics,cdn.mxpnl.com/libs/mixpanel-2-latest.min.js
		plausible,analytics,plausible.io/js/script.js
		posthog,analytics,eu.i.posthog.com/static/array.js
		matomo,analytics,shop.matomo.cloud/matomo.js
		amplitude,analytics,cdn.amplitude.com/libs/a.js
		heap,analytics,cdn.heapanalytics.com/js/heap-1.js
		fullstory,analytics,edge.fullstory.com/s/fs.js
		kissmetrics,analytics,i.kissmetrics.com/i.js
		kissmetrics,analytics,scripts.kissmetrics.com/abc.2.js
		crazy-egg,analytics,script.crazyegg.com/pages/scripts/0012/3456.js
		optimizely,analytics,cdn.optimizely.com/js/1.js
		optimizely,analytics,logx.optimizely.com/v1/events
		yandex-metrica,analytics,mc.yandex.ru/metrika/tag.js
		adobe-launch,analytics,assets.adobedtm.com/launch-abc.min.js
		adobe-analytics,analytics,shop.sc.omtrdc.net/b/ss/shop/1/JS-2.0/s1
		adobe-target,marketing,shop.tt.omtrdc.net/rest/v1/delivery
		adobe-audience-manager,marketing,dpm.demdex.net/id
		cloudflare-analytics,analytics,static.cloudflareinsights.com/beacon.min.js
		sentry,analytics,browser.sentry-cdn.com/8.0.0/bundle.min.js
		intercom,preferences,widget.intercom.io/widget/abc
		intercom,preferences,api-iam.intercom.io/messenger/web/ping
		zendesk,preferences,static.zdassets.com/ekr/snippet.js
		zendesk,preferences,ekr.zdassets.com/compose/1
		crisp,preferences,client.crisp.chat/l.js
		tawk,preferences,embed.tawk.to/abc/default
		drift,preferences,js.driftt.com/include/1/abc.js
		disqus,marketing,shop-example.disqus.com/embed.js
		vimeo,preferences,player.vimeo.com/video/1
		spotify,preferences,open.spotify.com/embed/track/1
		soundcloud,preferences,w.soundcloud.com/player/
		adobe-fonts,preferences,use.typekit.net/abc.css
		stripe,necessary,js.stripe.com/v3/
		stripe,necessary,m.stripe.network/inner.html
		paypal,necessary,www.paypal.com/sdk/js
		klarna,necessary,x.klarnacdn.net/kp/lib/v1/api.js
		adyen,necessary,checkoutshopper-live.adyen.com/checkoutshopper/sdk/5.0.0/adyen.js
		braintree,necessary,js.braintreegateway.com/web/3.0.0/js/client.min.js
		mollie,necessary,js.mollie.com/v1/mollie.js
		hcaptcha,necessary,js.hcaptcha.com/1/api.js
		turnstile,necessary,challenges.cloudflare.com/turnstile/v0/api.js
		cdnjs,necessary,cdnjs.cloudflare.com/ajax/libs/lodash.js/4.17.21/lodash.min.js
		jsdelivr,necessary,cdn.jsdelivr.net/npm/vue@3
		unpkg,necessary,unpkg.com/react@18/umd/react.production.min.js
		jquery,necessary,code.jquery.com/jquery-3.7.1.min.js
		bootstrap-cdn,necessary,maxcdn.bootstrapcdn.com/bootstrap/3.4.1/js/bootstrap.min.js
		shopify,necessary,cdn.shopify.com/s/files/1/a.js
		shopify-analytics,analytics,cdn.shopify.com/s/trekkie.storefront.abc.min.js
		shopify-analytics,analytics,monorail-edge.shopifysvc.com/v1/produce
		jetpack-stats,analytics,stats.wp.com/e-202647.js
		cookiebot,necessary,consent.cookiebot.com/uc.js
		onetrust,necessary,cdn.cookielaw.org/scripttemplates/otSDKStub.js
		usercentrics,necessary,web.cmp.usercentrics.eu/ui/loader.js`) {
		want := strings.SplitN(row, ",", 3)
		host, path, _ := strings.Cut(want[2], "/")
		got := "nobody, "
		if e, ok := c.Match(host, "/"+path); ok {
			got = e.Vendor.Key + "," + e.Vendor.Category
		}
		if got != want[0]+","+want[1] {
			t.Errorf("%s is %s, want %s,%s", want[2], got, want[0], want[1])
		}
	}
}

// Where anybody's things are, nobody is known: neither free nor anyone's.
func TestKnowsNobodyWhereAnybodyMayBe(t *testing.T) {
	c := load(t)
	for _, host := range strings.Fields(`bucket.s3.amazonaws.com d111111abcdef8.cloudfront.net x.github.io x.herokuapp.com x.azurewebsites.net x.netlify.app x.pages.dev
		storage.googleapis.com x.blob.core.windows.net e1.a.akamaiedge.net www.google.com www.googleapis.com www.gstatic.com.evil.test evilstripe.com stripe.com.evil.test
		t1.tracker.test com net co.uk localhost 127.0.0.1 polyfill.io.example`) {
		if e, ok := c.Match(host, "/"); ok {
			t.Errorf("%s is %s (%s), want nobody", host, e.Vendor.Key, e.Pattern)
		}
	}
	if e, ok := c.Match("", "/"); ok {
		t.Errorf("no host is %s, want nobody", e.Vendor.Key)
	}
}

// What lists call a library, a banner or a builder of sites, and is not only that.
func TestFreesNothingBySideEffect(t *testing.T) {
	c := load(t)
	for _, host := range strings.Fields("cdn.polyfill.io cdn.bootcss.com www.everestjs.net pixel.everesttech.net frog.wix.com decenthat.com x.blogspot.com static.cloudflareinsights.com insights.algolia.io monorail-edge.shopifysvc.com stats.wp.com c.bing.com") {
		if e, ok := c.Match(host, "/"); ok && e.Vendor.Category == "necessary" {
			t.Errorf("%s is free, as %s", host, e.Vendor.Key)
		}
	}
}

func TestVendorsAreSound(t *testing.T) {
	c := load(t)
	categories := []string{"necessary", "preferences", "analytics", "marketing"}
	// banner/src/adapters has a file for each.
	apis := strings.Fields("gtag gtm uet clarity meta matomo tiktok pinterest reddit hubspot segment mixpanel plausible posthog adobe shopify wp")
	used := map[string]bool{}
	ranks := map[int]string{}
	last, unranked := 0, false
	for _, v := range c.Vendors() {
		if v.Name == "" || len(v.Hosts) == 0 || !slices.Contains(categories, v.Category) || len(v.Key) > 40 || strings.Trim(v.Key, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%+v: want a key as notices have them, a name, a category and hosts", v)
		}
		if v.API != "" {
			if used[v.API] = true; !slices.Contains(apis, v.API) {
				t.Errorf("%s: there is no adapter %q", v.Key, v.API)
			}
		}
		if v.Rank != 0 && ranks[v.Rank] != "" {
			t.Errorf("%s and %s have the same rank", v.Key, ranks[v.Rank])
		}
		ranks[v.Rank] = v.Key
		if v.Rank != 0 && (v.Rank < last || unranked) {
			t.Errorf("%s: rank %d stands behind %d", v.Key, v.Rank, last)
		}
		last, unranked = v.Rank, v.Rank == 0
		if got := c.Vendor(v.Key); got == nil || got.Name != v.Name {
			t.Errorf("Vendor(%q) is %v", v.Key, got)
		}
	}
	for _, api := range apis {
		if !used[api] {
			t.Errorf("no vendor has the adapter %s", api)
		}
	}
	if first := c.Vendors()[0].Key; first != "google-tag-manager" {
		t.Errorf("the most used vendor is %s", first)
	}
	if len(c.Vendors()) < 1800 {
		t.Errorf("%d vendors, want what third-party-web knows too", len(c.Vendors()))
	}
	if c.Vendor("nobody") != nil {
		t.Error("there is a vendor of a name that nobody has")
	}
}

func TestMergeLetsTheFirstListCount(t *testing.T) {
	ours := []byte(`{"vendors": [
		{"key": "pixel", "name": "Pixel", "category": "marketing", "hosts": ["a.example", "m.example/tr"]},
		{"key": "maps", "name": "Maps", "category": "preferences", "hosts": ["m.example/maps"]}]}`)
	theirs := []byte(`{"ranks": {"maps": 1, "gone": 3}, "vendors": [
		{"key": "pixel", "name": "The Pixel Company", "category": "analytics", "hosts": ["a.example", "b.example"], "rank": 9},
		{"key": "free", "name": "Free", "category": "necessary", "hosts": ["cdn.a.example", "m.example"], "rank": 2},
		{"key": "empty", "name": "Empty", "category": "necessary", "hosts": ["x.a.example"]}]}`)
	c, err := read(ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"a.example/":         "pixel/marketing", // not theirs
		"cdn.a.example/":     "pixel/marketing", // nor what they say is beneath
		"b.example/":         "pixel/marketing", // what they add is ours to sort
		"m.example/tr":       "pixel/marketing",
		"m.example/maps/1":   "maps/preferences",
		"m.example/":         "free/necessary", // what our paths leave is theirs
		"x.m.example/maps":   "maps/preferences",
		"evila.example/":     "",
		"a.example.evil.io/": "",
	} {
		host, path, _ := strings.Cut(address, "/")
		got := ""
		if e, ok := c.Match(host, "/"+path); ok {
			got = e.Vendor.Key + "/" + e.Vendor.Category
		}
		if got != want {
			t.Errorf("%s is %q, want %q", address, got, want)
		}
	}
	var order []string
	for _, v := range c.Vendors() {
		order = append(order, v.Key)
	}
	if want := "maps free pixel"; strings.Join(order, " ") != want {
		t.Errorf("the order is %v, want %s: ranked ones first, none without hosts", order, want)
	}
}

func TestReadRefuses(t *testing.T) {
	for what, file := range map[string]string{
		"no JSON":      `{`,
		"twice":        `{"vendors": [{"key": "a", "hosts": ["a.example"]}, {"key": "a", "hosts": ["b.example"]}]}`,
		"a bad host":   `{"vendors": [{"key": "a", "hosts": ["*.a.example"]}]}`,
		"a wrong type": `{"vendors": {}}`,
	} {
		if _, err := read([]byte(file)); err == nil {
			t.Errorf("%s was read", what)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	c := load(t)
	for _, host := range []string{"www.google.com", "cdn.a.b.c.unknown.example", "connect.facebook.net"} {
		if n := testing.AllocsPerRun(100, func() { c.Match(host, "/maps/embed") }); n != 0 {
			t.Errorf("%s: %v allocations", host, n)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := read(own, thirdParty); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	c := load(b)
	for b.Loop() {
		c.Match("static.xx.unknown.example", "/a/b/c.js")
		c.Match("www.google.com", "/maps/embed")
	}
}
