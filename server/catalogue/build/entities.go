package main

// What third-party-web says of an entity, in our words. Its categories are
// about the cost of scripts; ours are about what a visitor is asked. In doubt a
// category that is asked for.
var categories = map[string]string{
	"ad":               "marketing",
	"analytics":        "analytics",
	"cdn":              "necessary", // shared, versioned code; fonts are in categoryOf
	"consent-provider": "necessary",
	"content":          "preferences", // embedded media
	"customer-success": "preferences", // chats
	"hosting":          "",            // who is behind a hosted address nobody knows; builders of whole sites are in categoryOf
	"marketing":        "marketing",
	"other":            "marketing",
	"social":           "marketing", // buttons and posts report the visit to their network (CJEU C-40/17, Fashion ID)
	"tag-manager":      "analytics",
	"utility":          "preferences", // payment, sign-in and protection are in categoryOf
	"video":            "preferences",
}

// categoryOf is what an entity is used for where its category is not that; ""
// leaves it out, since anybody's things are there.
var categoryOf = group(map[string][]string{
	"": {
		// whole clouds and delivery networks
		"Akamai", "Amazon CloudFront", "Amazon Web Services", "Azure Traffic Manager", "Azure Web Services", "CD Networks", "Cachefly",
		"CloudVPS", "Datacamp", "Digital Ocean", "Dropbox", "Fastly", "GitHub", "Google APIs", "Heroku", "Hibernia Networks", "Highwinds",
		"Hola Networks", "Instart", "KINX (Korea Internet Neutral eXchange)", "Key CDN", "Layer0", "LeaseWeb", "Level 3 Communications", "Level3",
		"MaxCDN Enterprise", "Mirror Image Internet", "Mobify", "Moovweb", "Netlify", "Pacnet", "Rackspace", "Realtime", "ReSRC", "section.io", "SpeedSize Service Worker",
		"TyrbooBytes", "Verizon Digital Media CDN", "WARPCACHE", "Yandex CDN",
		// a store of libraries whose operator was found to serve malware from others (polyfill.io, 2024)
		"Bootstrap Chinese network",
		// companies with everything under one name
		"Bing Ads", "Other Google APIs/SDKs", "JingDong", "Tencent", "Unknown", "test",
		// certificates: no page loads them
		"AlphaSSL", "Amazon Trust Services", "Certum", "Comodo Certificate Authority", "DigiCert", "Entrust Datacard", "GeoTrust", "GlobalSign", "Google Trust Services",
		"IdenTrust", "Let's Encrypt", "Microsoft Certificate Services", "Network Solutions", "Omniroot", "QuoVadis", "RapidSSL", "Sectigo",
		"Starfield Services Root Certificate Authority", "Starfield Technologies", "Thawte", "Verisign (Symantec)", "Windows",
	},
	"necessary": {
		// builders of whole sites and shops
		"Blogger", "Builder", "Ecwid", "Hatena Blog", "Shopify", "Squarespace", "Tilda", "WP Engine", "Webflow", "Weebly", "Wix", "WordPress",
		// pictures that sites keep there themselves
		"Cloudinary", "DatoCMS", "Contentful", "Adobe Scene7", "imgix", "Sirv",
		// payment
		"Adyen", "Affirm", "Afterpay", "Amazon Pay", "Barclaycard SmartPay", "Bolt", "Braintree Payments", "Checkout.com", "CyberSource (Visa)", "Divido", "FoxyCart", "Klarna",
		"Nochex", "PayPal", "Stripe", "Worldpay", "bPay by Barclaycard", "eWAY", "paysafecard", "sage Pay",
		// sign-in, protection, waiting rooms
		"Auth0", "Castle", "Distil Networks", "Forter", "Google reCAPTCHA", "PerimeterX Bot Defender", "Queue-it", "Ravelin", "Riskified", "Sift Science", "Signyfyd", "ThreatMetrix", "iovation",
		// other banners
		"Cookie Reports", "Cookie-Script.com", "Cookiebot", "CookieQ", "TRUSTe", "TrustArc", "iubenda",
		// code
		"Algolia", "Cloudflare", "Leaflet", "MathJax",
		// for whom a page is read aloud
		"Accessibe Accessibility Overlay", "Browsealoud", "ReadSpeaker", "Recite Me",
	},
	"preferences": {
		// fonts: each visitor's address goes to their host (LG München I, 3 O 17493/20)
		"Adobe TypeKit", "Cloud.typography", "Edge Web Fonts", "Extensis WebInk", "Fontdeck", "Google Fonts", "IcoMoon", "Monotype", "MyFonts", "Webtype",
		"Calendly", "Gravatar", "Checkfront", "Fit Analytics", "Loqate", "ResponsiveVoice", "Skype", "StackExchange",
	},
	"analytics": {
		"AppDynamics", "Bugsnag", "Clarity", "Errorception", "Logentries", "New Relic", "Noibu", "Raygun", "Rollbar", "Salesforce Commerce Cloud", "Sentry", "Siteimprove",
		"Sumo Logic", "Visual Studio", "mParticle", "Macropod BugHerd", "Marker",
	},
	"marketing": {
		"Atlas Solutions", "Connexity", "LiveRamp IdentityLink", "Marketo", "Quantcast", "Salesforce", "Snapchat", "Visual IQ",
		"Experian", "Firepush", "Forensiq", "Fraudlogix", "GetSiteControl", "InAuth", "Kelkoo", "OneSignal", "Optimise Media Group", "Pixalate", "Playbuzz", "PowerFront", "IS Group", "Revlifter", "Roost",
		"Sekindo", "White Ops", "WisePops", "YoYo", "prebid.org", "Adledge", "Advolution", "Coherent Path", "Hull.js", "Revenue Conduit", "Yo", "Google Trusted Stores", "AdMan Media",
		"Betgenius", "Clicktripz", "Revcontent", "ZergNet", "freewheel.tv", "SelectMedia International", "Multiview", "Accuen Media (Omnicom Media Group)", "CPEx", "StumbleUpon", "Snack Media",
		"Avid Media", "Dynamic Yield", "Merchenta", "Intilery", "Freespee",
	},
})

// sameAs are entities that go by several of our keys, or by another name.
// Where they have hosts that ours lack, those are this vendor's.
var sameAs = map[string]string{
	"Adobe Experience Cloud": "adobe-analytics",
	"Adobe Tag Manager":      "adobe-audience-manager",
	"Adobe TypeKit":          "adobe-fonts",
	"Algolia":                "algolia",
	"Cloudflare":             "cloudflare",
	"Facebook":               "facebook",
	"Firebase":               "firebase-analytics",
	"Google Analytics":       "ga4",
	"Google CDN":             "google-hosted-libraries",
	"Google FundingChoices":  "google-cmp",
	"Google Optimize":        "google-optimize",
	"Google/Doubleclick Ads": "google-ads",
	"Hubspot":                "hubspot",
	"LinkedIn":               "linkedin-plugins",
	"LinkedIn Ads":           "linkedin-plugins",
	"Optanon":                "onetrust",
	"Pinterest":              "pinterest-widgets",
	"Shopify":                "shopify",
	"Snapchat":               "snap",
	"TikTok":                 "tiktok-embed",
	"Twitter":                "x",
	"Twitter Short URL":      "x-ads",
	"Virtual Earth":          "bing-maps",
	"WordPress":              "wordpress-widgets",
	"WordPress Site Stats":   "jetpack-stats",
	"Zopim":                  "zendesk",
	"reddit":                 "reddit-embed",
}

// noHosts are hosts that entities name and that are anybody's.
var noHosts = map[string]bool{
	"commondatastorage.googleapis.com": true, // buckets
	"firebasestorage.googleapis.com":   true,
	"llnwd.net":                        true, // a delivery network, under Tealium
	"limelight.com":                    true,
	"delvenetworks.com":                true,
	"www.linkedin.com":                 true,
	"adobe.com":                        true,
	"blogspot.com":                     true, // blogs
	"amp.cloudflare.com":               true,
}

func group(lists map[string][]string) map[string]string {
	flat := map[string]string{}
	for category, entities := range lists {
		for _, e := range entities {
			flat[e] = category
		}
	}
	return flat
}
