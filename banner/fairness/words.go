package fairness

import "strings"

// A button says that it refuses, or accepts, if one of these beginnings of words
// is in it. The lists hold what banners of a language use; a label that is fair
// and not found here says in other words what these say in the usual ones.

// refusals, by language.
var refusals = map[string][]string{
	"ar": {"رفض", "أرفض", "ارفض"}, "bg": {"отказ", "отхвърл"}, "cs": {"odmít", "nesouhlas", "zamít"}, "da": {"afvis", "fravælg", "afslå", "nej"},
	"de": {"ablehn", "widersprech", "verweiger", "nein", "lehne"}, "el": {"απόρριψη", "απορρ", "άρνηση", "εξαίρεση", "αρνούμαι"},
	"en": {"reject", "refuse", "decline", "deny", "opt out", "opt-out", "object", "disagree", "no to", "without accepting"},
	"es": {"rechaz", "rehus", "denegar", "no acept"}, "et": {"keeldu", "loobu"}, "fi": {"hylkää", "kiellä", "kieltäydy", "älä hyväksy"},
	"fr": {"refus", "rejet", "sans accepter", "s'opposer", "m’oppose"}, "ga": {"diúltaigh"}, "he": {"דחי", "סירוב", "לסרב", "לדחות", "דחה"},
	"hi": {"अस्वीकार", "ऑप्ट आउट", "मना"}, "hr": {"odbij", "odbaci"}, "hu": {"elutas", "visszautas", "tiltakoz"}, "id": {"tolak", "menolak"},
	"it": {"rifiut", "nega", "respingi", "non accett"}, "ja": {"拒否", "オプトアウト", "同意しない", "許可しない", "拒絶"}, "ko": {"거부", "거절", "동의 안", "동의하지"},
	"lt": {"atmes", "atsisak"}, "lv": {"noraid", "atteik"}, "mt": {"irrifjuta", "iċħad"}, "nb": {"avvis", "avslå", "reserver", "nei"},
	"nl": {"weiger", "afwijz", "niet accept"}, "pl": {"odrzu", "odmaw", "odmów", "rezygn", "sprzeciw"}, "pt": {"rejeit", "recus", "não aceit"},
	"ro": {"resping", "refuz"}, "sk": {"odmiet", "zamiet", "nesúhlas"}, "sl": {"zavrn", "odkloni"}, "sv": {"avvisa", "neka", "välj bort", "avböj"},
	"th": {"ปฏิเสธ", "ไม่ยอมรับ"}, "tr": {"reddet", "kabul etme"}, "uk": {"відхил", "відмов"}, "vi": {"từ chối"}, "zh": {"拒绝", "拒絕", "退出", "不同意", "不接受"},
}

// agreements, by language.
var agreements = map[string][]string{
	"ar": {"قبول", "أقبل", "موافق", "أوافق", "سماح", "السماح"}, "bg": {"приема", "съглас", "разреш"}, "cs": {"přij", "souhlas", "povol"}, "da": {"accepter", "godkend", "tillad", "samtyk"},
	"de": {"akzeptier", "zustimm", "erlaub", "einverstanden", "annehm", "zulassen", "einwillig"}, "el": {"αποδοχή", "αποδέχομαι", "συμφων", "επιτρ"},
	"en": {"accept", "agree", "allow", "consent", "opt in"}, "es": {"acept", "permit", "consent", "de acuerdo"}, "et": {"nõustu", "luba"}, "fi": {"hyväksy", "salli", "suostu"},
	"fr": {"accept", "autoris", "consens", "d'accord", "d’accord"}, "ga": {"glac", "ceadaigh", "aontaigh"}, "he": {"קבל", "הסכמ", "מסכים", "לאשר", "אישור"},
	"hi": {"स्वीकार", "अनुमति", "सहमत"}, "hr": {"prihva", "dopusti", "slaž"}, "hu": {"elfogad", "engedélyez", "hozzájár"}, "id": {"terima", "setuju", "izinkan"},
	"it": {"accett", "acconsent", "consent", "permett"}, "ja": {"許可", "同意", "承認", "受け入れ"}, "ko": {"허용", "동의", "수락"},
	"lt": {"priim", "sutik", "leisti"}, "lv": {"pieņem", "piekr", "atļau"}, "mt": {"aċċetta", "naqbel", "ħalli"}, "nb": {"godta", "aksepter", "tillat", "samtyk"},
	"nl": {"accept", "toestaan", "akkoord", "instem"}, "pl": {"akcept", "zgadzam", "zezw", "zgod"}, "pt": {"aceit", "permit", "concord", "consent"},
	"ro": {"accept", "permite", "sunt de acord"}, "sk": {"prij", "súhlas", "povol"}, "sl": {"sprej", "dovol", "strinja"}, "sv": {"accepter", "godkänn", "tillåt", "samtyck"},
	"th": {"ยอมรับ", "อนุญาต", "ยินยอม"}, "tr": {"kabul", "izin ver", "onayl"}, "uk": {"прийня", "погодж", "дозвол"}, "vi": {"chấp nhận", "đồng ý", "cho phép"}, "zh": {"接受", "同意", "允许", "允許"},
}

// shames are ways to make whoever refuses feel bad, by language; English ones
// are looked for in all (Colorado 4 CCR 904-3, 7.09(A)(2); CNIL, "confirmshaming").
var shames = map[string][]string{
	"en": {"don't care", "do not care", "hate", "worse", "bad experience", "limited", "lose", "losing", "miss out", "missing out", "irrelevant", "don't like", "i prefer", "i'd rather", "rather not", "non-essential purposes", "sorry"},
	"de": {"egal", "schlechter", "eingeschränkt", "verzichte", "verpasse", "lieber nicht", "irrelevante", "leider", "schade", "nicht notwendige zwecke"},
	"fr": {"je préfère", "moins bonne", "dégradée", "limitée", "tant pis", "dommage", "je m'en fiche", "finalités non essentielles", "je me moque"},
	"es": {"prefiero", "peor", "limitada", "perder", "no me importa", "irrelevante"},
	"it": {"preferisco", "peggiore", "limitata", "perdere", "non mi importa", "purtroppo"},
	"nl": {"liever niet", "slechter", "beperkt", "mislopen", "maakt me niet uit", "helaas"},
	"pt": {"prefiro", "pior", "limitada", "perder", "não me importo", "infelizmente"},
	"pl": {"gorsz", "ograniczon", "stracić", "wolę", "nie obchodzi", "niestety"},
	"sv": {"sämre", "begränsad", "missa", "bryr mig inte", "tyvärr"}, "da": {"dårligere", "begrænset", "gå glip", "ligeglad", "desværre"}, "nb": {"dårligere", "begrenset", "gå glipp", "bryr meg ikke", "dessverre"},
	"fi": {"huonompi", "rajoitettu", "valitettavasti"}, "cs": {"horší", "omezen", "bohužel", "je mi jedno"}, "ro": {"mai slab", "limitat", "din păcate"}, "hu": {"rosszabb", "korlátozott", "sajnos"},
}

// denials are words that turn a refusal round, by language.
var denials = map[string][]string{
	"en": {"don't ", "do not ", "not ", "never "}, "de": {"nicht ", "niemals "}, "fr": {"ne pas ", "ne refuser pas", "n'"}, "es": {"no "}, "it": {"non "}, "nl": {"niet "},
	"pt": {"não "}, "pl": {"nie "}, "sv": {"inte "}, "da": {"ikke "}, "nb": {"ikke "}, "fi": {"älä "}, "ro": {"nu "}, "hu": {"ne "},
}

func base(language string) string {
	b, _, _ := strings.Cut(language, "-")
	return b
}

// among is the first of the words that stands in a label, or "".
func among(words []string, label string) string {
	label = strings.ReplaceAll(strings.ToLower(label), "’", "'")
	for _, word := range words {
		if strings.Contains(label, strings.ReplaceAll(word, "’", "'")) {
			return word
		}
	}
	return ""
}

// refusal: a no of its own, or a denied yes ("no aceptar").
func refusal(language, label string) bool {
	return among(refusals[base(language)], label) != "" || agreement(language, label) && denied(language, label) != ""
}

func agreement(language, label string) bool { return among(agreements[base(language)], label) != "" }

func shaming(language, label string) string {
	if word := among(shames[base(language)], label); word != "" {
		return word
	}
	return among(shames["en"], label)
}

// twice is the second denial of a label that refuses to refuse. A denial of a
// yes ("no acepto") is none.
func twice(language, label string) string {
	if agreement(language, label) {
		return ""
	}
	return denied(language, label)
}

func denied(language, label string) string {
	for _, word := range denials[base(language)] {
		if strings.HasPrefix(strings.ToLower(label), word) || strings.Contains(strings.ToLower(label), " "+word) {
			return strings.TrimSpace(word)
		}
	}
	return ""
}
