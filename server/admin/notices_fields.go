package admin

import (
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// meanings say in words what the keys of closed lists mean.
var meanings = map[string]string{
	"posture cautious": "cautious: as recommended", "posture floor": "floor: the least each law asks",
	"dnt ignore": "nothing", "dnt opt-out": "counts as an opt-out", "dnt forward": "is passed on to vendors",
	"model opt-in": "opt-in: nothing before a yes", "model opt-out": "opt-out: until somebody says no", "model notice": "notice: visitors are told",
	"google.mode off": "off", "google.mode basic": "basic: Google loads after a yes", "google.mode advanced": "advanced: Google loads at once, without cookies",
	"look.position bottom": "along the bottom", "look.position bottom-start": "at the bottom, where lines begin", "look.position bottom-end": "at the bottom, where lines end",
	"look.position top": "along the top", "look.position center": "in the middle", "look.position inline": "inline: where the page has put it",
	"look.theme auto": "as the visitor's system is", "look.theme light": "always light", "look.theme dark": "always dark",
	"look.reopen start": "in the corner where lines begin", "look.reopen end": "in the corner where lines end", "look.reopen none": "none: the site has its own",
	"blocking.mode script": "are held", "blocking.mode strict": "are held, and storage is guarded too", "blocking.mode off": "load",
	"blocking.unknown hold": "are held, as marketing", "blocking.unknown allow": "load",
	"kind cookie": "cookie", "kind local": "local storage", "kind session": "session storage", "kind indexeddb": "IndexedDB", "kind cache": "cache", "kind worker": "service worker",
	"tag script": "script", "tag pixel": "pixel: a picture nobody sees", "tag frame": "frame", "tag template": "one of our templates",
	"like necessary": "necessary: nobody is asked", "like preferences": "preferences", "like analytics": "analytics", "like marketing": "marketing: the most is asked",
}

// closed is a field of a closed list.
func closed(name, label, value, list, hint string) console.Field {
	f := console.Field{Name: name, Label: label, Hint: hint, Value: value, Kind: "select"}
	keys := notice.Options(list)
	if !slices.Contains(keys, value) {
		keys = append(keys, value) // shown as it is, with what is wrong about it
	}
	for _, key := range keys {
		meaning, ok := meanings[list+" "+key]
		if !ok {
			meaning = key
		}
		f.Options = append(f.Options, console.Pick{Key: key, Name: meaning, Here: key == value})
	}
	return f
}

func textField(name, label, value, hint string) console.Field {
	return console.Field{Name: name, Label: label, Kind: "text", Value: value, Hint: hint}
}

func linesField(name, label string, values []string, hint string) console.Field {
	return console.Field{Name: name, Label: label, Kind: "lines", Value: strings.Join(values, "\n"), Hint: hint}
}

func tickField(name, label string, on bool, hint string) console.Field {
	return console.Field{Name: name, Label: label, Kind: "tick", On: on, Hint: hint}
}

func numberField(name, label string, value int, hint string) console.Field {
	return console.Field{Name: name, Label: label, Kind: "number", Value: strconv.Itoa(value), Hint: hint}
}

func choices(selected string, keys ...string) []console.Pick {
	all := make([]console.Pick, len(keys))
	for i, key := range keys {
		all[i] = console.Pick{Key: key, Name: key, Here: key == selected}
	}
	return all
}

// one is what a field says, in one line; otherwise if the form did not have it.
func one(d *Desk, name, otherwise string) string {
	if !came(d, name) {
		return otherwise
	}
	return strings.Join(strings.Fields(d.FormValue(name)), " ")
}

// came reports whether a form had a field.
func came(d *Desk, name string) bool {
	_ = d.FormValue(name) // reads the form
	_, there := d.Request().PostForm[name]
	return there
}

// ticked reports whether a tick is set; browsers send none that is not.
func ticked(d *Desk, name string) bool { return d.FormValue(name) == "yes" }

// number is a field's, or one that no notice takes, so that Lint asks for another.
func number(d *Desk, name string, otherwise int) int {
	if !came(d, name) {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(d.FormValue(name)))
	if err != nil {
		return -1
	}
	return n
}

func words(d *Desk, name string, otherwise []string) []string {
	if !came(d, name) {
		return otherwise
	}
	return strings.Fields(d.FormValue(name))
}

// languageFields are fields of a text in each language of a notice.
func languageFields(n *notice.Notice, name, label string, texts map[string]string, hint string) []console.Field {
	fields := make([]console.Field, 0, len(n.Languages))
	for _, language := range n.Languages {
		fields = append(fields, console.Field{Name: name + "." + language, Label: label + ", in " + languageName(language), Kind: "text",
			Value: texts[language], Hint: hint, Language: language, Direction: direction(language)})
	}
	return fields
}

func setByLanguage(d *Desk, n *notice.Notice, name string, texts map[string]string) map[string]string {
	set := map[string]string{}
	for _, language := range n.Languages {
		if said := one(d, name+"."+language, texts[language]); said != "" {
			set[language] = said
		}
	}
	return set
}

// did is what a button of a list says: "add", or what to do with which element.
func did(d *Desk) (do string, at int) {
	do, number, _ := strings.Cut(d.FormValue("do"), "-")
	at, err := strconv.Atoi(number)
	if err != nil {
		at = -1
	}
	return do, at
}

// arranged is a list after a button was pressed that moves or removes an element.
func arranged[T any](d *Desk, list []T) (changed []T, what string) {
	do, at := did(d)
	if at < 0 || at >= len(list) {
		return list, ""
	}
	list = slices.Clone(list)
	switch {
	case do == "remove":
		return slices.Delete(list, at, at+1), "removed"
	case do == "up" && at > 0:
		list[at-1], list[at] = list[at], list[at-1]
		return list, "moved"
	case do == "down" && at+1 < len(list):
		list[at+1], list[at] = list[at], list[at+1]
		return list, "moved"
	}
	return list, ""
}
