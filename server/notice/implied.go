package notice

import "strings"

// impliedConsent holds, by language, beginnings of phrases that take going on
// for consent ("By continuing you agree"). It is a net for the usual wording,
// not a proof that a text is fair.
var impliedConsent = map[string][]string{
	"en": {"by continuing", "by using", "by browsing", "by scrolling", "by closing", "by staying", "by visiting", "by navigating", "continued use"},
	"de": {"indem sie fortfahren", "indem sie weiter", "durch weitersurfen", "durch die weitere nutzung", "durch die nutzung", "mit der weiteren nutzung", "mit der nutzung", "weiternutzung"},
	"fr": {"en poursuivant", "en continuant", "en naviguant", "en utilisant ce site", "en fermant"},
	"es": {"al continuar", "al navegar", "al seguir navegando", "al usar este sitio", "al cerrar"},
	"it": {"continuando", "proseguendo", "navigando", "scorrendo", "chiudendo"},
	"nl": {"door verder te", "door gebruik te maken", "door te blijven", "door deze site te"},
	"pt": {"ao continuar", "ao navegar", "ao prosseguir", "ao utilizar", "ao fechar"},
	"pl": {"kontynuując", "korzystając z", "dalsze korzystanie", "przeglądając", "zamykając"},
	"sv": {"genom att fortsätta", "genom att använda", "genom att surfa", "genom att stänga"},
	"da": {"ved at fortsætte", "ved at bruge", "ved fortsat brug", "ved at lukke"},
	"nb": {"ved å fortsette", "ved å bruke", "ved fortsatt bruk", "ved å lukke"},
	"fi": {"jatkamalla", "käyttämällä", "selaamalla", "sulkemalla"},
	"cs": {"pokračováním", "používáním", "procházením", "zavřením"},
	"sk": {"pokračovaním", "používaním", "prehliadaním", "zatvorením"},
	"hu": {"folytatásával", "használatával", "böngészésével", "bezárásával"},
	"ro": {"prin continuarea", "continuând", "prin utilizarea", "navigând", "prin închiderea"},
	"bg": {"продължавайки", "като продължите", "като продължавате", "с използването", "използвайки"},
	"el": {"συνεχίζοντας", "με τη συνέχιση", "χρησιμοποιώντας", "με τη χρήση"},
	"hr": {"nastavkom", "korištenjem", "pregledavanjem", "zatvaranjem"},
	"sl": {"z nadaljevanjem", "z nadaljnjo uporabo", "z uporabo", "z brskanjem"},
	"et": {"jätkates", "kasutades", "sirvides"},
	"lv": {"turpinot", "izmantojot", "lietojot"},
	"lt": {"tęsdami", "naudodamiesi", "naršydami"},
	"ga": {"trí leanúint", "trí úsáid"},
	"mt": {"billi tkompli", "billi tuża", "meta tkompli"},
	"tr": {"devam ederek", "kullanarak", "gezinerek"},
	"uk": {"продовжуючи", "користуючись", "використовуючи"},
	"ar": {"بمواصلة", "بالاستمرار", "باستمرارك", "بمتابعة", "باستخدامك"},
	"he": {"המשך הגלישה", "המשך גלישה", "המשך השימוש", "המשך שימוש"},
	"ja": {"続行することで", "閲覧を続ける", "利用を続ける", "使用を続ける", "ご利用を続け"},
	"ko": {"계속 이용", "계속 사용", "계속 진행", "계속함으로써"},
	"zh": {"继续使用", "继续浏览", "继续访问", "繼續使用", "繼續瀏覽", "繼續造訪"},
	"hi": {"जारी रखकर", "जारी रखते हुए", "उपयोग करके"},
	"id": {"dengan melanjutkan", "dengan terus", "dengan menggunakan"},
	"vi": {"bằng cách tiếp tục", "khi tiếp tục", "tiếp tục sử dụng", "bằng việc tiếp tục"},
	"th": {"การใช้งานต่อ", "ใช้งานเว็บไซต์ต่อ", "การเข้าชมต่อ"},
}

// Implied is the phrase of a text that takes going on for consent, or "".
func Implied(language, text string) string { return implied(language, text) }

// implied is the phrase of a text that takes going on for consent, or "". A
// text is read in its own language and in English.
func implied(language, text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	base, _, _ := strings.Cut(language, "-")
	for _, phrases := range [][]string{impliedConsent[base], impliedConsent["en"]} {
		for _, phrase := range phrases {
			if strings.Contains(text, phrase) {
				return phrase
			}
		}
	}
	return ""
}
